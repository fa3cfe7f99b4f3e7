package mp3

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// Stats is what an MP3 is, found by reading every frame of it.
type Stats struct {
	Frames     int64 // that sound; a header frame does not
	SampleRate int   // Hz
	Channels   int
	Bitrate    int   // mean of the frames, bit/s
	Samples    int64 // of each channel, as a player that heeds Info plays them
	Duration   time.Duration
	CRC        uint16 // of all frames that sound, as Info.MusicCRC
	Info       *Info  // nil without a header frame
}

// Inspect walks all frames of an MP3. What is not wholly an MP3, or does not keep what its header frame
// promises, is an error that wraps ErrCorrupt.
func Inspect(in io.Reader) (Stats, error) {
	var (
		stats  Stats
		meter  Meter
		reader = NewReader(in)
	)
	for first := true; ; first = false {
		frame, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Stats{}, err
		}
		if first {
			if info, ok := ParseInfo(frame); ok {
				stats.Info = &info
				continue
			}
		}
		if err := meter.Add(frame); err != nil {
			return Stats{}, err
		}
	}
	return stats.finish(&meter)
}

func (s Stats) finish(m *Meter) (Stats, error) {
	if m.Frames() == 0 {
		return Stats{}, fmt.Errorf("%w: no frames", ErrCorrupt)
	}
	s.Frames = m.Frames()
	s.SampleRate = m.Header().SampleRate()
	s.Channels = m.Header().Channels()
	s.Bitrate = m.Bitrate()
	s.CRC = m.crc
	s.Samples = m.Samples()
	if s.Info != nil {
		if err := s.Info.check(m); err != nil {
			return Stats{}, err
		}
		s.Samples = s.Info.trim(s.Samples)
	}
	s.Duration = samplesToTime(s.Samples, s.SampleRate)
	return s, nil
}

// check compares the promise with what is there. Some encoders count the header frame as well.
func (i Info) check(m *Meter) error {
	if promised := int64(i.Frames); promised != 0 && promised != m.Frames() && promised != m.Frames()+1 {
		return fmt.Errorf("%w: the header promises %d frames, there are %d", ErrCorrupt, promised, m.Frames())
	}
	return nil
}

// trim takes the encoder's delay and padding off, unless they make no sense.
func (i Info) trim(samples int64) int64 {
	if gap := int64(i.Delay + i.Padding); gap < samples {
		return samples - gap
	}
	return samples
}
