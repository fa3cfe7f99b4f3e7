package container

import (
	"errors"
	"fmt"
	"io"
)

// Frames is where an MP4 has the frames of a track of sound, for a decoder that takes them one by one. Each is heard right
// after the one before it.
type Frames struct {
	Config  []byte // what the decoder must know beforehand: of AAC, the AudioSpecificConfig
	Samples int64  // of each channel, in a frame
	Count   int64  // of frames, up to the one in which the edit list ends
	Skip    int64  // samples at the beginning that the edit list leaves out

	sizes, runs, offsets table // stsz, stsc and stco or co64 of ISO 14496-12
}

// ErrFrames says that the tables of a track are not in order, or lead out of the file.
var ErrFrames = errors.New("the tables of frames are damaged")

// FrameReader reads frames in order: nothing of the file but them and their tables, and little of either at once.
type FrameReader struct {
	from   io.ReaderAt
	sizes  *entries
	chunks *chunks
	left   int64 // frames that have not been taken from the tables

	at      int64 // of the next of them
	inChunk int64 // how many of them lie there side by side

	lengths []int64 // of the frames that were read together …
	next    int     // … and the one that comes next
	buffer  []byte
	rest    []byte // of the buffer, from the next one on
}

// Bounds of what is read at once, and of one frame, in bytes: AAC's have 768 a channel at the most.
const (
	pieceSize = 64 << 10
	maxFrame  = 16 << 10
)

// Open returns the frames from the given one on.
func (f *Frames) Open(from io.ReaderAt, first int64) (*FrameReader, error) {
	chunks, err := openChunks(f.runs.open(from), f.offsets.open(from))
	if err != nil {
		return nil, err
	}
	r := &FrameReader{from: from, sizes: f.sizes.open(from), chunks: chunks, left: f.Count, buffer: make([]byte, pieceSize)}
	for range min(first, f.Count) {
		if err := r.place(); err != nil {
			return nil, err
		}
		size, err := r.take()
		if err != nil {
			return nil, err
		}
		r.at += size
	}
	return r, nil
}

// Next returns a frame, good until the next call; io.EOF behind the last one.
func (r *FrameReader) Next() ([]byte, error) {
	if r.next == len(r.lengths) {
		if err := r.read(); err != nil {
			return nil, err
		}
	}
	length := r.lengths[r.next]
	frame := r.rest[:length]
	r.rest = r.rest[length:]
	r.next++
	return frame, nil
}

// read reads frames that lie side by side.
func (r *FrameReader) read() error {
	if r.left == 0 {
		return io.EOF
	}
	if err := r.place(); err != nil {
		return err
	}
	r.lengths, r.next = r.lengths[:0], 0
	total := int64(0)
	for r.inChunk > 0 && r.left > 0 && total <= pieceSize-maxFrame {
		size, err := r.take()
		if err != nil {
			return err
		}
		r.lengths = append(r.lengths, size)
		total += size
	}
	r.rest = r.buffer[:total]
	if _, err := r.from.ReadAt(r.rest, r.at); err != nil {
		return fmt.Errorf("%w: %w", ErrFrames, err)
	}
	r.at += total
	return nil
}

// place goes on to the chunk in which the next frame is.
func (r *FrameReader) place() (err error) {
	if r.inChunk == 0 {
		r.at, r.inChunk, err = r.chunks.advance()
	}
	return err
}

// take takes a frame from the tables, and tells its bytes.
func (r *FrameReader) take() (int64, error) {
	size, err := r.sizes.number()
	if err != nil {
		return 0, err
	}
	if size == 0 || size > maxFrame {
		return 0, fmt.Errorf("%w: a frame of %d bytes", ErrFrames, size)
	}
	r.inChunk--
	r.left--
	return size, nil
}
