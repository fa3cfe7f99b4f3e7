package avcodec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// Reader is the sound of a track as 32-bit little-endian floats, channels interleaved.
type Reader struct {
	frames  func() ([]byte, error)
	decoder *Decoder
	ready   [][]float32 // samples of each channel that were decoded, but not read yet
	skip    int64       // samples that are still to be passed over
	left    int64       // samples that are still to come
}

// NewReader decodes what frames returns, one frame at a time, until so many samples of each channel have been read; as many
// are passed over before these as skip says. Fewer are an error that wraps ErrDecode.
func NewReader(frames func() ([]byte, error), decoder *Decoder, skip, samples int64) *Reader {
	return &Reader{frames: frames, decoder: decoder, ready: make([][]float32, len(decoder.planes)), skip: skip, left: samples}
}

// Read fills p with whole samples of all channels; it must have room for one.
func (r *Reader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	for len(r.ready[0]) == 0 {
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	size := 4 * len(r.ready)
	count := min(len(p)/size, len(r.ready[0]))
	if count == 0 {
		return 0, io.ErrShortBuffer
	}
	for c, plane := range r.ready {
		for i, sample := range plane[:count] {
			at := i*size + 4*c
			binary.LittleEndian.PutUint32(p[at:at+4], math.Float32bits(sample))
		}
	}
	r.pass(count)
	r.left -= int64(count)
	return count * size, nil
}

// next decodes a frame.
func (r *Reader) next() error {
	raw, err := r.frames()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %d samples are missing", ErrDecode, r.left)
	}
	if err != nil {
		return err
	}
	planes, err := r.decoder.Decode(raw)
	if err != nil {
		return err
	}
	copy(r.ready, planes)
	skipped := min(r.skip, int64(len(planes[0])))
	r.skip -= skipped
	r.pass(int(skipped))
	r.keep(r.left)
	return nil
}

// pass drops samples at the front.
func (r *Reader) pass(count int) {
	for c := range r.ready {
		r.ready[c] = r.ready[c][count:]
	}
}

// keep drops what is behind so many samples.
func (r *Reader) keep(count int64) {
	for c := range r.ready {
		r.ready[c] = r.ready[c][:min(int64(len(r.ready[c])), count)]
	}
}
