package lame_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"testing"
)

// sound is a recording to encode: full scale ±1, interleaved.
type sound struct {
	rate, channels int
	samples        []float32
}

// at makes a sound of what each channel does at each moment, in seconds.
func at(rate, channels int, seconds float64, value func(t float64, channel int) float64) sound {
	s := sound{rate: rate, channels: channels}
	for i := range int(seconds * float64(rate)) {
		for c := range channels {
			s.samples = append(s.samples, float32(value(float64(i)/float64(rate), c)))
		}
	}
	return s
}

func (s sound) bytes() []byte {
	raw := make([]byte, 0, 4*len(s.samples))
	for _, sample := range s.samples {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(sample))
	}
	return raw
}

func sine(hz, t float64) float64 { return math.Sin(2 * math.Pi * hz * t) }

// music is chords of decaying notes over a bass, a little different on each side.
func music(rate, channels int, seconds float64) sound {
	scale := []float64{220, 247, 262, 294, 330, 349, 392, 440}
	return at(rate, channels, seconds, func(t float64, c int) float64 {
		beat := math.Mod(t, 0.4)
		note := scale[int(t/0.4)*5%8] * (1 + 0.002*float64(c))
		value := 0.15 * sine(scale[int(t/1.6)%8]/4, t)
		for harmonic := 1.0; harmonic < 9; harmonic++ {
			value += 0.3 / harmonic * sine(note*harmonic, t) * math.Exp(-4*beat*harmonic/2)
		}
		return value
	})
}

// castanets are clicks with silence between: the hardest transients.
func castanets(rate, channels int, seconds float64) sound {
	noise := rand.New(rand.NewPCG(1, 2))
	return at(rate, channels, seconds, func(t float64, c int) float64 {
		beat := math.Mod(t+0.01*float64(c), 0.171)
		return 0.8 * (noise.Float64()*2 - 1) * math.Exp(-90*beat) * sine(2500, beat)
	})
}

// bursts are a tone of half a second every three, in noise so low that nobody hears it: none at all, where it is 0.
func bursts(rate, channels int, seconds, floor float64) sound {
	dice := rand.New(rand.NewPCG(7, 8))
	return at(rate, channels, seconds, func(t float64, _ int) float64 {
		value := floor * dice.NormFloat64()
		if math.Mod(t, 3) > 2.5 {
			value += 0.5 * sine(880, t)
		}
		return value
	})
}

func noise(rate, channels int, seconds float64) sound {
	noise := rand.New(rand.NewPCG(3, 4))
	return at(rate, channels, seconds, func(float64, int) float64 { return noise.NormFloat64() * 0.1 })
}

// sweep rises from 50 Hz to 15 kHz again and again; the sides are in opposite phase.
func sweep(rate, channels int, seconds float64) sound {
	return at(rate, channels, seconds, func(t float64, c int) float64 {
		part := math.Mod(t, 5)
		return 0.4 * math.Sin(2*math.Pi*50*5/math.Log(300)*(math.Exp(part/5*math.Log(300))-1)+float64(c)*math.Pi)
	})
}

// overdriven is far beyond full scale, as broken recordings are.
func overdriven(rate, channels int, seconds float64) sound {
	return at(rate, channels, seconds, func(t float64, c int) float64 {
		return 3.5 * sine(200+100*float64(c), t) * (1 + sine(0.5, t))
	})
}

// hostile is what no recording has: not numbers, infinities, values beyond all reason.
func hostile(rate, channels int, seconds float64) sound {
	dice := rand.New(rand.NewPCG(5, 6))
	values := []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e30, -1e30, math.MaxFloat32, 1e-40, 0, 1}
	return at(rate, channels, seconds, func(t float64, _ int) float64 {
		if int(t*7)%2 == 0 {
			return 0.3 * sine(500, t)
		}
		return values[dice.IntN(len(values))]
	})
}

// speech is spoken by the voice that ffmpeg carries, where it does.
func speech(t *testing.T, rate, channels int) sound {
	t.Helper()
	raw, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i",
		"flite=text='The north wind and the sun were disputing which was the stronger. When a traveler came along, "+
			"wrapped in a warm cloak. They agreed that the one who first succeeded in making the traveler take his cloak off "+
			"should be considered stronger than the other.':voice=slt",
		"-ar", strconv.Itoa(rate), "-ac", strconv.Itoa(channels), "-f", "f32le", "-").Output()
	if err != nil {
		t.Skipf("this ffmpeg has no voice: %v", err)
	}
	s := sound{rate: rate, channels: channels, samples: make([]float32, len(raw)/4)}
	for i := range s.samples {
		s.samples[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return s
}
