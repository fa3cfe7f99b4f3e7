package mp3_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/internal/media/mp3"
)

// cbr makes frames of silence: a header, and zeros.
func cbr(t testing.TB, count int) []byte {
	t.Helper()
	h, err := mp3.ParseHeader([]byte{0xFF, 0xFB, 0x90, 0x00})
	if err != nil {
		t.Fatal(err)
	}
	raw := h.Bytes()
	one := append(raw[:], make([]byte, h.Size()-len(raw))...)
	return bytes.Repeat(one, count)
}

func id3(size int) []byte {
	return append([]byte{'I', 'D', '3', 4, 0, 0, 0, 0, byte(size >> 7), byte(size & 0x7F)}, make([]byte, size)...)
}

func TestInspectSkipsTags(t *testing.T) {
	frames := cbr(t, 10)
	id3v1 := append([]byte("TAG"), make([]byte, 125)...)
	ape := append([]byte("APETAGEX\xD0\x07\x00\x00\x08\x00\x00\x00"), make([]byte, 16+8)...)
	for name, raw := range map[string][]byte{
		"none":          frames,
		"ID3v2":         append(id3(300), frames...),
		"two ID3v2":     append(append(id3(10), id3(300)...), frames...),
		"ID3v1":         append(bytes.Clone(frames), id3v1...),
		"APE and ID3v1": append(append(bytes.Clone(frames), ape...), id3v1...),
	} {
		stats, err := mp3.Inspect(bytes.NewReader(raw))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := mp3.Stats{
			Frames: 10, SampleRate: 44100, Channels: 2, Bitrate: 128000, Samples: 11520,
			Duration: 261224490 * time.Nanosecond,
		}
		stats.CRC = 0
		if diff := cmp.Diff(want, stats); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestInspectRefuses(t *testing.T) {
	frames := cbr(t, 10)
	other := bytes.Clone(frames)
	copy(other[417*5:], []byte{0xFF, 0xFB, 0x94, 0x00}) // 48 kHz: shorter, so that the next is missed too
	promise := mp3.Info{Frames: 20}.Frame(header(t, frames))
	for name, raw := range map[string][]byte{
		"nothing":         nil,
		"only a tag":      id3(30),
		"text":            []byte(strings.Repeat("no music ", 100)),
		"cut in a frame":  frames[:len(frames)-1],
		"cut in a header": frames[:417*9+2],
		"garbage between": append(append(bytes.Clone(frames), "garbage garbage"...), frames...),
		"garbage behind":  append(bytes.Clone(frames), "garbage garbage"...),
		"another rate":    other,
		"too few frames":  append(promise, frames...),
		"endless tag":     {'I', 'D', '3', 4, 0, 0, 0x7F, 0x7F, 0x7F, 0x7F},
	} {
		if _, err := mp3.Inspect(bytes.NewReader(raw)); !errors.Is(err, mp3.ErrCorrupt) {
			t.Errorf("%s: got %v, want ErrCorrupt", name, err)
		}
	}
}

func header(t testing.TB, frames []byte) mp3.Header {
	t.Helper()
	h, err := mp3.ParseHeader(frames)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestInspectReadsWhatFFmpegWrites(t *testing.T) {
	for name, spec := range map[string]mediatest.Spec{
		"constant":   {Container: "mp3", Rate: 44100, Bitrate: "128k", Seconds: 1.5},
		"variable":   {Container: "mp3", Seconds: 1.5, Extra: "-q:a 4", Sound: mediatest.Speech},
		"MPEG-2":     {Container: "mp3", Rate: 22050, Seconds: 1.5},
		"MPEG-2.5":   {Container: "mp3", Rate: 8000, Channels: 1, Seconds: 1.5},
		"ID3v1 also": {Container: "mp3", Seconds: 1.5, Extra: "-write_id3v1 1 -metadata title=T"},
	} {
		stats, err := mp3.Inspect(bytes.NewReader(mediatest.Bytes(t, spec)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if stats.Duration != 1500*time.Millisecond || stats.Info == nil || stats.Info.Delay != 576 {
			t.Errorf("%s: got %+v, %+v", name, stats, stats.Info)
		}
	}
}

func FuzzInspect(f *testing.F) {
	frames := cbr(f, 3)
	f.Add(frames)
	f.Add(append(id3(20), frames...))
	f.Add(append(mp3.Info{Frames: 3, Encoder: "LAME3.100", Delay: 576}.Frame(header(f, frames)), frames...))
	f.Add(append(bytes.Clone(frames), "APETAGEX\xD0\x07\x00\x00\xFF\xFF\xFF\xFF"...))
	f.Fuzz(func(t *testing.T, raw []byte) {
		stats, err := mp3.Inspect(bytes.NewReader(raw))
		if err != nil {
			if !errors.Is(err, mp3.ErrCorrupt) {
				t.Errorf("an error that is not ErrCorrupt: %v", err)
			}
			return
		}
		if stats.Frames <= 0 || stats.Duration <= 0 || stats.Samples > stats.Frames*1152 {
			t.Errorf("impossible: %+v", stats)
		}
	})
}
