package container

import "encoding/binary"

// box is one box of ISO 14496-12, or atom of QuickTime: what lies between from and to is its content.
type box struct {
	kind     string
	from, to int64
}

func (b box) length() int64 {
	return b.to - b.from
}

// boxes calls each for every box between two positions, which they must fill exactly.
func (s *source) boxes(from, to int64, each func(box) error) error {
	for at := from; at < to; {
		b, err := s.box(at, to)
		if err != nil {
			return err
		}
		if err := each(b); err != nil {
			return err
		}
		at = b.to
	}
	return nil
}

// inside calls each for every box in another.
func (s *source) inside(b box, each func(box) error) error {
	return s.boxes(b.from, b.to, each)
}

func (s *source) box(at, limit int64) (box, error) {
	b, length, err := s.head(at)
	if err != nil {
		return box{}, err
	}
	if length < b.from-at || length > limit-at { // 0, up to the end of the file, is a recording cut short
		return box{}, errUnsure
	}
	b.to = at + length
	return b, nil
}

// shortHead and longHead are the bytes of the two forms of headers.
const shortHead, longHead = 8, 16

// head reads the header of a box, and the length that it states, which counts the header.
func (s *source) head(at int64) (b box, length int64, err error) {
	if err := s.part(); err != nil {
		return box{}, 0, err
	}
	head, err := s.read(at, shortHead)
	if err != nil {
		return box{}, 0, err
	}
	b = box{kind: string(head[4:]), from: at + shortHead}
	length = int64(binary.BigEndian.Uint32(head))
	if length == 1 {
		if head, err = s.read(at+shortHead, longHead-shortHead); err != nil {
			return box{}, 0, err
		}
		b.from = at + longHead
		length = int64(binary.BigEndian.Uint64(head))
	}
	return b, length, nil
}

// content is all of a box that is known to be small.
func (s *source) content(b box) ([]byte, error) {
	return s.read(b.from, b.length())
}

// fields is at least n bytes from the beginning of a box.
func (s *source) fields(b box, n int64) ([]byte, error) {
	if b.length() < n {
		return nil, errUnsure
	}
	return s.read(b.from, n)
}

// full is n bytes behind the version and flags of a full box, of the version 0.
func (s *source) full(b box, n int64) ([]byte, error) {
	fields, err := s.fields(b, 4+n)
	if err != nil {
		return nil, err
	}
	if fields[0] != 0 {
		return nil, errUnsure
	}
	return fields[4:], nil
}

// once keeps a box of which there may be but one.
func once(to *box, b box) error {
	if to.kind != "" {
		return errUnsure
	}
	*to = b
	return nil
}
