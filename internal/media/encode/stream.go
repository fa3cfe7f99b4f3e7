package encode

import (
	"bufio"
	"bytes"
	"fmt"

	"github.com/unreel/unreel/internal/media/mp3"
)

// stream is the frames that one encoder makes, and then another: their memory is the same.
type stream struct {
	encoder  Encoder
	format   Format
	samples  samples
	pending  []byte
	unpacker mp3.Unpacker
}

// newStream takes chunks of sound or less at once.
func newStream(format Format, plan plan) *stream {
	return &stream{format: format, samples: newSamples(format.Channels, plan.samples(format))}
}

// begin forgets what was before.
func (s *stream) begin(encoder Encoder) {
	s.encoder, s.pending, s.unpacker = encoder, s.pending[:0], mp3.Unpacker{}
}

// encode takes some sound as it was read.
func (s *stream) encode(raw []byte) (mp3.Units, error) {
	sound := s.samples.read(raw, s.format.Channels)
	var err error
	if s.pending, err = s.encoder.Encode(s.pending, sound[0], sound[1]); err != nil {
		return nil, err
	}
	return s.split()
}

func (s *stream) flush() (mp3.Units, error) {
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
func (s *stream) split() (mp3.Units, error) {
	var units mp3.Units
	rest := bytes.Clone(s.pending) // the units keep it
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
func write(out *bufio.Writer, units mp3.Units) error {
	for _, unit := range units {
		if _, err := out.Write(unit.Data); err != nil {
			return fmt.Errorf("write frames: %w", err)
		}
	}
	return flush(out)
}

func flush(out *bufio.Writer) error {
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write frames: %w", err)
	}
	return nil
}
