package lame_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/unreel/unreel/internal/media/encode"
	"github.com/unreel/unreel/internal/media/lame"
	"github.com/unreel/unreel/internal/media/mp3"
)

// encoded is what the parallel encoder makes of a sound.
func encoded(t *testing.T, s sound, format encode.Format, workers int, segment float64) []byte {
	t.Helper()
	library, err := lame.Open()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	config := encode.Config{Format: format, Open: library.New, Workers: workers, Segment: segment}
	if err := encode.Run(t.Context(), config, bytes.NewReader(s.bytes()), &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// single is what ffmpeg makes of it with one encoder.
func single(t *testing.T, s sound, format encode.Format) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "single.mp3")
	args := []string{
		"-v", "error", "-nostdin", "-f", "f32le", "-ar", strconv.Itoa(s.rate), "-ac", strconv.Itoa(s.channels), "-i", "pipe:0",
		"-c:a", "libmp3lame", "-write_xing", "0", "-id3v2_version", "0",
	}
	switch {
	case format.Bitrate > 0:
		args = append(args, "-b:a", strconv.Itoa(format.Bitrate)+"k")
	case format.ABR > 0:
		args = append(args, "-abr", "1", "-b:a", strconv.Itoa(format.ABR)+"k")
	default:
		args = append(args, "-q:a", fmt.Sprint(format.VBR))
	}
	cmd := exec.Command("ffmpeg", append(args, out)...)
	cmd.Stdin = bytes.NewReader(s.bytes())
	if log, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, log)
	}
	raw, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func units(t *testing.T, raw []byte) (units mp3.Units) {
	t.Helper()
	var unpacker mp3.Unpacker
	for reader := mp3.NewReader(bytes.NewReader(raw)); ; {
		frame, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return units
		}
		if err != nil {
			t.Fatal(err)
		}
		frame.Data = bytes.Clone(frame.Data)
		unit, err := unpacker.Add(frame)
		if err != nil {
			t.Fatalf("frame %d: %v", len(units), err)
		}
		units = append(units, unit)
	}
}

// decoded is the sound of an MP3.
func decoded(t *testing.T, raw []byte) []byte {
	t.Helper()
	cmd := exec.Command("ffmpeg", "-v", "error", "-f", "mp3", "-i", "pipe:0", "-f", "f32le", "pipe:1")
	cmd.Stdin = bytes.NewReader(raw)
	pcm, err := cmd.Output()
	if err != nil {
		t.Fatalf("ffmpeg: %v", err)
	}
	return pcm
}

// sources are what people record, and what is hardest to encode.
func sources(t *testing.T) map[string]sound {
	t.Helper()
	return map[string]sound{
		"speech 48":        speech(t, 48000, 1),
		"speech 22":        speech(t, 22050, 1),
		"speech stereo 44": speech(t, 44100, 2),
		"music 44":         music(44100, 2, 7),
		"music 48":         music(48000, 2, 7),
		"music 32 mono":    music(32000, 1, 7),
		"music 22":         music(22050, 2, 7),
		"castanets 44":     castanets(44100, 2, 7),
		"castanets 48":     castanets(48000, 1, 7),
		"bursts 44":        bursts(44100, 2, 12, 0),
		"bursts 32":        bursts(32000, 1, 12, 0),
		"faint 48":         bursts(48000, 2, 12, 1e-4),
		"fainter 44":       bursts(44100, 1, 12, 1e-5),
		"noise 48":         noise(48000, 2, 7),
		"noise 22 mono":    noise(22050, 1, 7),
		"sweep 44":         sweep(44100, 2, 7),
		"overdriven 44":    overdriven(44100, 2, 7),
	}
}

// TestConstantBitrateIsTheSame: frame for frame, and sample for sample, what ffmpeg makes with one encoder.
func TestConstantBitrateIsTheSame(t *testing.T) {
	for name, s := range sources(t) {
		for _, bitrate := range []int{64, 128, 192, 320} {
			if !slices.Contains(mp3.Bitrates(s.rate), bitrate) {
				continue
			}
			t.Run(fmt.Sprintf("%s %d", name, bitrate), func(t *testing.T) {
				format := encode.Format{Rate: s.rate, Channels: s.channels, Bitrate: bitrate}
				got, want := encoded(t, s, format, 3, 1.2), single(t, s, format)
				if different := differences(t, units(t, got), units(t, want), mp3.Units.Same); len(different) > 0 {
					t.Errorf("frames %v are not the same", different)
				}
				// What is the same frame for frame sounds the same; that it does is worth hearing once a source.
				if bitrate == 64 && !bytes.Equal(decoded(t, got), decoded(t, want)) {
					t.Error("it sounds different")
				}
			})
		}
	}
}

// differences are the numbers of the frames that are not alike.
func differences(t *testing.T, got, want mp3.Units, alike func(mp3.Units, int, mp3.Units, int) bool) (different []int) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d frames, want %d", len(got), len(want))
	}
	for i := range got {
		if !alike(got, i, want, i) {
			different = append(different, i)
		}
	}
	return different
}

// TestVariableBitrateSoundsTheSame: sample for sample, outside a few frames at a joint where the encoders' reservoirs
// are not the same; these are as good.
func TestVariableBitrateSoundsTheSame(t *testing.T) {
	kinds := map[string]encode.Format{"V0": {VBR: 0}, "V2": {VBR: 2}, "V4": {VBR: 4}, "average": {ABR: 112}}
	frames, wrong := 0, 0
	recordings := sources(t)
	for i, name := range slices.Sorted(maps.Keys(recordings)) {
		// The default for every recording, and one of the others in turn.
		for _, kind := range []string{"V2", []string{"V0", "V4", "average"}[i%3]} {
			t.Run(name+" "+kind, func(t *testing.T) {
				s, format := recordings[name], kinds[kind]
				format.Rate, format.Channels = s.rate, s.channels
				got, want := encoded(t, s, format, 3, 1.6), single(t, s, format)
				different := differences(t, units(t, got), units(t, want), mp3.Units.Sounds)
				frames, wrong = frames+len(units(t, want)), wrong+len(different)
				if len(different) == 0 && kind != "V2" {
					return
				}
				a, b := decoded(t, got), decoded(t, want)
				if len(different) == 0 && !bytes.Equal(a, b) {
					t.Error("it sounds different, though the frames are the same")
				}
				if gain := noiseRatio(s, a, b); math.Abs(gain) > 0.1 {
					t.Errorf("the error is %.2f dB above one encoder's", gain)
				}
				if len(a) != len(b) {
					t.Errorf("%d bytes of sound, want %d", len(a), len(b))
				}
			})
		}
	}
	t.Logf("%d of %d frames are different", wrong, frames)
	if wrong*100 > frames {
		t.Errorf("%d of %d frames are different", wrong, frames)
	}
}

// TestAverageIsNear: of music, which is what people ask for an average of, LAME makes what it was asked for.
func TestAverageIsNear(t *testing.T) {
	s := music(44100, 2, 20)
	for _, kbps := range []int{96, 128, 160, 192} {
		raw := encoded(t, s, encode.Format{Rate: s.rate, Channels: s.channels, ABR: kbps}, 2, 5)
		got := float64(len(raw)) * 8 / 1000 / 20
		t.Logf("%d: %.1f", kbps, got)
		if math.Abs(got/float64(kbps)-1) > 0.1 {
			t.Errorf("%.1f kbit/s, want %d", got, kbps)
		}
	}
}

// noiseRatio is by how many dB what got has beside the sound is more than what want has.
func noiseRatio(s sound, got, want []byte) float64 {
	const delay = 1105 // of encoder and decoder
	var noise [2]float64
	for which, raw := range [][]byte{got, want} {
		for i, sample := range s.samples {
			at := 4 * (i + delay*s.channels)
			if at+4 > len(raw) {
				break
			}
			heard := math.Float32frombits(binary.LittleEndian.Uint32(raw[at:]))
			noise[which] += math.Pow(float64(heard-sample), 2)
		}
	}
	if noise[0] == noise[1] {
		return 0
	}
	return 10 * math.Log10(noise[0]/noise[1])
}

// TestRandomCuts cuts one recording anywhere, for one worker and for many.
func TestRandomCuts(t *testing.T) {
	s := music(44100, 2, 7)
	format := encode.Format{Rate: s.rate, Channels: s.channels, Bitrate: 128}
	want := units(t, single(t, s, format))
	dice := rand.New(rand.NewPCG(uint64(len(want)), rand.Uint64()))
	for range 8 {
		workers, segment := 1+dice.IntN(8), 0.7+dice.Float64()*4
		got := units(t, encoded(t, s, format, workers, segment))
		if different := differences(t, got, want, mp3.Units.Same); len(different) > 0 {
			t.Errorf("%d workers, segments of %g s: frames %v are not the same", workers, segment, different)
		}
	}
}

// TestHostileSound: LAME would abort.
func TestHostileSound(t *testing.T) {
	for _, format := range []encode.Format{{Bitrate: 128}, {VBR: 0}, {VBR: 9}, {ABR: 64}} {
		s := hostile(44100, 2, 4)
		format.Rate, format.Channels = s.rate, s.channels
		if got := units(t, encoded(t, s, format, 2, 1)); len(got) < 150 {
			t.Errorf("%+v: %d frames", format, len(got))
		}
	}
}
