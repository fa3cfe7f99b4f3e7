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
	count := len(raw) / (4 * channels)
	left := s[0][:count]
	if channels == 1 {
		for i := range left {
			left[i] = scale(binary.LittleEndian.Uint32(raw[4*i : 4*i+4]))
		}
		return samples{left}
	}
	right := s[1][:count]
	for i := range left {
		pair := binary.LittleEndian.Uint64(raw[8*i : 8*i+8])
		left[i], right[i] = scale(uint32(pair)), scale(uint32(pair>>32))
	}
	return samples{left, right}
}

// loudest is where samples are clipped, in units of full scale. LAME aborts on what is beyond all reason; what
// an overdriven recording has must pass.
const loudest = 8

// scale makes of a sample's bits what LAME takes, and what ffmpeg gives it.
func scale(bits uint32) float32 {
	const magnitude = 1<<31 - 1 // all but the sign; of what is no number it is above that of all numbers
	sample := math.Float32frombits(bits)
	if bits&magnitude >= math.Float32bits(loudest) {
		sample = tame(sample)
	}
	return sample * 32768
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
