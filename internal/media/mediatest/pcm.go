package mediatest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os/exec"
	"testing"
	"time"
)

// PCM is decoded sound.
type PCM struct {
	Rate     int         // Hz
	Channels [][]float64 // samples, from -1 to 1
}

// Decode plays an MP3, or any other file with sound, into memory.
func Decode(t testing.TB, path string) PCM {
	t.Helper()
	raw, err := exec.Command("ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "error", "-i", path, "-map", "0:a:0",
		"-f", "wav", "-c:a", "pcm_f32le", "-").Output()
	if err != nil {
		t.Fatalf("decode %s: %v", path, err)
	}
	pcm, err := parseWAV(raw)
	if err != nil {
		t.Fatalf("decode %s: %v", path, err)
	}
	return pcm
}

// parseWAV reads the WAV of 32-bit floats that ffmpeg writes to a pipe, whose sizes mean nothing.
func parseWAV(raw []byte) (PCM, error) {
	_, format, found := bytes.Cut(raw, []byte("fmt "))
	_, data, also := bytes.Cut(format, []byte("data"))
	if !found || !also || len(format) < 12 || len(data) < 4 {
		return PCM{}, errors.New("not a WAV")
	}
	count := int(binary.LittleEndian.Uint16(format[6:]))
	pcm := PCM{Rate: int(binary.LittleEndian.Uint32(format[8:])), Channels: make([][]float64, count)}
	data = data[4:]
	for count > 0 && len(data) >= 4*count {
		for c := range count {
			bits := binary.LittleEndian.Uint32(data[4*c:])
			pcm.Channels[c] = append(pcm.Channels[c], float64(math.Float32frombits(bits)))
		}
		data = data[4*count:]
	}
	return pcm, nil
}

// Duration is how long the sound plays.
func (p PCM) Duration() time.Duration {
	return time.Duration(float64(p.Samples()) / float64(p.Rate) * float64(time.Second))
}

// Samples is how many samples each channel has.
func (p PCM) Samples() int {
	if len(p.Channels) == 0 {
		return 0
	}
	return len(p.Channels[0])
}

// Cut returns the part between two times, in seconds.
func (p PCM) Cut(from, to float64) PCM {
	at := func(seconds float64) int {
		return min(max(int(seconds*float64(p.Rate)), 0), p.Samples())
	}
	cut := PCM{Rate: p.Rate}
	for _, channel := range p.Channels {
		cut.Channels = append(cut.Channels, channel[at(from):max(at(from), at(to))])
	}
	return cut
}

// RMS is the level of a channel; a full-scale sine has 0.707.
func (p PCM) RMS(channel int) float64 {
	sum := 0.0
	for _, v := range p.Channels[channel] {
		sum += v * v
	}
	return math.Sqrt(sum / math.Max(float64(p.Samples()), 1))
}

// Share is how much of a channel's energy is at a frequency: 1 for a pure tone, next to 0 if it isn't heard.
func (p PCM) Share(channel int, hz float64) float64 {
	samples := p.Channels[channel]
	total := 0.0
	for _, v := range samples {
		total += v * v
	}
	if total == 0 {
		return 0
	}
	return 2 * goertzel(samples, hz/float64(p.Rate)) / (total * float64(len(samples)))
}

// Frequency is the strongest tone of a channel from 50 Hz up, in Hz, to about a hertz in a second of sound.
func (p PCM) Frequency(channel int) float64 {
	samples := p.Channels[channel]
	coarse := samples[len(samples)/4 : min(len(samples)/4+p.Rate/10, len(samples))]
	top := math.Min(float64(p.Rate)/2, 6000)
	rough := p.strongest(coarse, 50, top, 5)
	fine := samples[:min(len(samples), p.Rate)]
	return p.strongest(fine, rough-10, rough+10, 0.5)
}

func (p PCM) strongest(samples []float64, from, to, step float64) float64 {
	best, most := 0.0, 0.0
	for hz := from; hz < to; hz += step {
		if power := goertzel(samples, hz/float64(p.Rate)); power > most {
			best, most = hz, power
		}
	}
	return best
}

// goertzel is the squared magnitude of one frequency, given in cycles a sample.
func goertzel(samples []float64, frequency float64) float64 {
	w := 2 * math.Pi * frequency
	k := 2 * math.Cos(w)
	var s1, s2 float64
	for _, v := range samples {
		s1, s2 = v+k*s1-s2, s1
	}
	return s1*s1 + s2*s2 - k*s1*s2
}
