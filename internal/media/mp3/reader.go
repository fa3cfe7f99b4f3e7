package mp3

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Frame is one frame of an MP3.
type Frame struct {
	Header
	// Data is the whole frame, its header included. It is valid until the next call of Next.
	Data []byte
}

// Reader splits an MP3 into its frames. It is strict: what is neither a frame nor a tag where tags may
// stand is ErrCorrupt, never skipped.
type Reader struct {
	in     *bufio.Reader
	offset int64
	begun  bool
	frame  [MaxFrameSize]byte
}

// NewReader returns a Reader of in.
func NewReader(in io.Reader) *Reader {
	return &Reader{in: bufio.NewReaderSize(in, 64<<10)}
}

// Offset is how many bytes have been read: where the next frame starts.
func (r *Reader) Offset() int64 {
	return r.offset
}

// Next returns the next frame, io.EOF after the last one, or an error that wraps ErrCorrupt.
func (r *Reader) Next() (Frame, error) {
	if !r.begun {
		r.begun = true
		if err := r.skipHead(); err != nil {
			return Frame{}, err
		}
	}
	raw, err := r.peek(HeaderSize)
	if err != nil {
		return Frame{}, err
	}
	header, err := ParseHeader(raw)
	if err != nil {
		return Frame{}, r.skipTail()
	}
	data := r.frame[:header.Size()]
	n, err := io.ReadFull(r.in, data)
	r.offset += int64(n)
	if err != nil {
		return Frame{}, r.short(err)
	}
	return Frame{Header: header, Data: data}, nil
}

// peek returns the next n bytes; io.EOF if there are none at all, ErrCorrupt if there are fewer.
func (r *Reader) peek(n int) ([]byte, error) {
	raw, err := r.in.Peek(n)
	switch {
	case err == nil:
		return raw, nil
	case errors.Is(err, io.EOF) && len(raw) == 0:
		return nil, io.EOF
	default:
		return nil, r.short(err)
	}
}

func (r *Reader) short(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: cut off within the frame before byte %d", ErrCorrupt, r.offset)
	}
	return fmt.Errorf("read frame: %w", err)
}

func (r *Reader) discard(n int64) error {
	skipped, err := io.CopyN(io.Discard, r.in, n)
	r.offset += skipped
	if err != nil {
		return r.short(err)
	}
	return nil
}

// id3v2Size returns the length of the ID3v2 tag that raw begins with (id3v2.4.0-structure, 3.1), or 0.
func id3v2Size(raw []byte) int64 {
	if len(raw) < 10 || !bytes.HasPrefix(raw, []byte("ID3")) || raw[3] == 0xFF || raw[4] == 0xFF {
		return 0
	}
	size := int64(10)
	for i, b := range raw[6:10] {
		if b > 0x7F {
			return 0
		}
		size += int64(b) << (7 * (3 - i))
	}
	const footer = 0x10
	if raw[5]&footer != 0 {
		size += 10
	}
	return size
}

// skipHead passes over the ID3v2 tags before the first frame.
func (r *Reader) skipHead() error {
	for {
		raw, err := r.in.Peek(10)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read tag: %w", err)
		}
		size := id3v2Size(raw)
		if size == 0 {
			return nil
		}
		if err := r.discard(size); err != nil {
			return err
		}
	}
}

// skipTail passes over the tags after the last frame; anything else there is ErrCorrupt.
func (r *Reader) skipTail() error {
	for {
		size := r.tailTagSize()
		if size == 0 {
			return fmt.Errorf("%w: no frame at byte %d", ErrCorrupt, r.offset)
		}
		if err := r.discard(size); err != nil {
			return err
		}
		if _, err := r.peek(1); err != nil {
			return err
		}
	}
}

// tailTagSize returns the length of the ID3v1 or APEv2 tag that comes next, or 0.
func (r *Reader) tailTagSize() int64 {
	const id3v1, apeHeader = 128, 32
	if raw, err := r.in.Peek(id3v1 + 1); errors.Is(err, io.EOF) && len(raw) == id3v1 && string(raw[:3]) == "TAG" {
		return id3v1
	}
	raw, err := r.in.Peek(apeHeader)
	if err != nil || string(raw[:8]) != "APETAGEX" {
		return 0
	}
	size := int64(raw[12]) | int64(raw[13])<<8 | int64(raw[14])<<16 | int64(raw[15])<<24
	return apeHeader + size
}
