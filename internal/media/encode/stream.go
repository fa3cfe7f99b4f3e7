package encode

import (
	"bytes"
	"fmt"
	"io"

	"github.com/unreel/unreel/internal/media/mp3"
)

// stream splits what one encoder puts out into frames.
type stream struct {
	encoder  Encoder
	format   Format
	pending  []byte
	unpacker mp3.Unpacker
}

func (s *stream) encode(piece chunk) ([]mp3.Unit, error) {
	var err error
	if s.pending, err = s.encoder.Encode(s.pending, piece[0], piece[1]); err != nil {
		return nil, err
	}
	return s.split()
}

func (s *stream) flush() ([]mp3.Unit, error) {
	var err error
	if s.pending, err = s.encoder.Flush(s.pending); err != nil {
		return nil, err
	}
	units, err := s.split()
	if err == nil && len(s.pending) > 0 {
		return nil, fmt.Errorf("%w: the encoder's last frame is cut off", mp3.ErrCorrupt)
	}
	return units, err
}

// split takes the whole frames off what is pending.
func (s *stream) split() ([]mp3.Unit, error) {
	var units []mp3.Unit
	rest := s.pending
	for len(rest) >= mp3.HeaderSize {
		header, err := mp3.ParseHeader(rest)
		if err != nil {
			return nil, err
		}
		if header.SampleRate() != s.format.Rate || header.Channels() != s.format.Channels {
			return nil, fmt.Errorf("%w: the encoder made %d Hz and %d channels", mp3.ErrCorrupt, header.SampleRate(), header.Channels())
		}
		if len(rest) < header.Size() {
			break
		}
		unit, err := s.unpacker.Add(mp3.Frame{Header: header, Data: rest[:header.Size()]})
		if err != nil {
			return nil, err
		}
		units = append(units, unit)
		rest = rest[header.Size():]
	}
	s.pending = append(s.pending[:0], rest...)
	return units, nil
}

// write puts frames out.
func write(out io.Writer, units []mp3.Unit) error {
	var all bytes.Buffer
	for _, unit := range units {
		all.Write(unit.Data)
	}
	if _, err := out.Write(all.Bytes()); err != nil {
		return fmt.Errorf("write frames: %w", err)
	}
	return nil
}
