package container

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"strings"
)

// element is one element of EBML (RFC 8794): what lies between from and to is its content.
type element struct {
	id       uint32
	from, to int64
}

func (e element) length() int64 { return e.to - e.from }

// among returns an error for an element that is none of these.
func (e element) among(ids []uint32) error {
	if !slices.Contains(ids, e.id) {
		return errUnsure
	}
	return nil
}

// filling may be anywhere and means nothing; CRC-32 is not checked by ffmpeg either.
var filling = []uint32{idVoid, idCRC}

// elements calls each for every element between two positions, which they must fill exactly.
func (s *source) elements(from, to int64, each func(element) error) error {
	for at := from; at < to; {
		e, err := s.element(at, to)
		if err != nil {
			return err
		}
		if err := each(e); err != nil {
			return err
		}
		at = e.to
	}
	return nil
}

// element reads the header of an element that ends before limit.
func (s *source) element(at, limit int64) (element, error) {
	if err := s.part(); err != nil {
		return element{}, err
	}
	const longest = 4 + 8 // an id and a size
	head, err := s.read(at, min(longest, limit-at))
	if err != nil {
		return element{}, err
	}
	idLength := vintLength(head[0])
	if idLength > 4 || idLength >= len(head) {
		return element{}, errUnsure
	}
	id := uint32(0)
	for _, b := range head[:idLength] {
		id = id<<8 | uint32(b)
	}
	size, sizeLength, err := vint(head[idLength:])
	if err != nil {
		return element{}, err
	}
	e := element{id: id, from: at + int64(idLength+sizeLength)}
	if size > limit-e.from {
		return element{}, errUnsure
	}
	e.to = e.from + size
	return e, nil
}

// vintLength is how many bytes a number has that begins so; more than 8 are none.
func vintLength(first byte) int { return bits.LeadingZeros8(first) + 1 }

// vint reads a number of variable length (RFC 8794, section 4). Unknown, as the size of what is broadcast, is none.
func vint(raw []byte) (value int64, length int, err error) {
	if len(raw) == 0 {
		return 0, 0, errUnsure
	}
	length = vintLength(raw[0])
	if length > len(raw) || length > 8 {
		return 0, 0, errUnsure
	}
	value = int64(raw[0]) & (1<<(8-length) - 1)
	for _, b := range raw[1:length] {
		value = value<<8 | int64(b)
	}
	if value == 1<<(7*length)-1 {
		return 0, 0, errUnsure
	}
	return value, length, nil
}

// contentOf is the content of an element that is known to be small.
func (s *source) contentOf(e element) ([]byte, error) {
	return s.read(e.from, e.length())
}

// number reads an unsigned integer.
func (s *source) number(e element) (uint64, error) {
	if e.length() > 8 {
		return 0, errUnsure
	}
	raw, err := s.contentOf(e)
	value := uint64(0)
	for _, b := range raw {
		value = value<<8 | uint64(b)
	}
	return value, err
}

// flag reads a number that means yes or no.
func (s *source) flag(e element) (bool, error) {
	value, err := s.number(e)
	return value != 0, err
}

// float reads a number in floating point.
func (s *source) float(e element) (float64, error) {
	raw, err := s.contentOf(e)
	if err != nil {
		return 0, err
	}
	switch len(raw) {
	case 4:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(raw))), nil
	case 8:
		return math.Float64frombits(binary.BigEndian.Uint64(raw)), nil
	default:
		return 0, errUnsure
	}
}

// text reads a string, which zeros may follow.
func (s *source) text(e element) (string, error) {
	raw, err := s.contentOf(e)
	return strings.TrimRight(string(raw), "\x00"), err
}
