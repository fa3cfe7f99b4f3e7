package encode

import (
	"encoding/binary"
	"math"
)

// samples is sound as an encoder takes it: a slice a channel, full scale ±32768.
type samples [2][]float32

// newSamples has room for so many of each channel.
func newSamples(channels, room int) (s samples) {
	for i := range channels {
		s[i] = make([]float32, room)
	}
	return s
}

// read takes interleaved 32-bit little-endian floats, full scale ±1; there is room. The result shares the memory.
func (s samples) read(raw []byte, channels int) samples {
	stride := 4 * channels
	for i := range channels {
		side := s[i][:len(raw)/stride]
		for j := range side {
			side[j] = scale(math.Float32frombits(binary.LittleEndian.Uint32(raw[j*stride+4*i:])))
		}
		s[i] = side
	}
	return s
}

// loudest is where samples are clipped, in units of full scale. LAME aborts on what is beyond all reason; what
// an overdriven recording has must pass.
const loudest = 8

// scale makes of a sample what LAME takes, and what ffmpeg gives it.
func scale(sample float32) float32 {
	if sample > -loudest && sample < loudest {
		return sample * 32768
	}
	return tame(sample) * 32768
}

// tame is for what is out of bounds, or no number.
func tame(sample float32) float32 {
	switch {
	case sample >= loudest:
		return loudest
	case sample <= -loudest:
		return -loudest
	default:
		return 0
	}
}
