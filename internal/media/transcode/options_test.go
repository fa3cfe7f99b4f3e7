package transcode_test

import (
	"bytes"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/internal/media/transcode"
)

func at(seconds float64) *conversion.Time {
	t := conversion.Time(seconds * float64(time.Second))
	return &t
}

func TestBitrates(t *testing.T) {
	best, smallest := 0, 9
	tests := map[string]struct {
		options conversion.Options
		rate    int
		bitrate int // 0: any
		warns   bool
	}{
		"constant":      {conversion.Options{Bitrate: 192}, 48000, 192000, false},
		"constant low":  {conversion.Options{Bitrate: 32}, 44100, 32000, false},
		"too much":      {conversion.Options{Bitrate: 320}, 22050, 160000, true},
		"not in MPEG-1": {conversion.Options{Bitrate: 144}, 44100, 160000, true},
		"best":          {conversion.Options{VBR: &best}, 48000, 0, false},
		"smallest":      {conversion.Options{VBR: &smallest}, 48000, 0, false},
	}
	sizes := map[string]int64{}
	for name, test := range tests {
		spec := mediatest.Spec{Rate: test.rate, Sound: mediatest.Noise}
		got, _ := convert(t, transcode.Job{Source: mediatest.Video(t, spec), Options: test.options})
		if test.bitrate != 0 && got.Bitrate != test.bitrate || (len(got.Warnings) > 0) != test.warns {
			t.Errorf("%s: got %+v", name, got)
		}
		sizes[name] = got.Size
	}
	if sizes["best"] < 2*sizes["smallest"] {
		t.Errorf("V0 has %d bytes, V9 %d", sizes["best"], sizes["smallest"])
	}
}

func TestCutIsExact(t *testing.T) {
	source := mediatest.Video(t, mediatest.Spec{Codec: "alac", Seconds: 3, Sound: mediatest.Bursts})
	late := mediatest.Video(t, mediatest.Spec{Container: "mkv", Codec: "flac", Seconds: 3, Late: 1})
	tests := map[string]struct {
		source     string
		start, end *conversion.Time
		samples    int
	}{
		"both":       {source, at(0.9), at(2.25), 64800},
		"start":      {source, at(1.23456), nil, 84741},
		"end":        {source, nil, at(0.5), 24000},
		"end beyond": {source, at(2), at(60), 48000},
		"late sound": {late, at(0.5), at(1.5), 48000},
	}
	for name, test := range tests {
		options := conversion.Options{Start: test.start, End: test.end, Bitrate: 128}
		got, sound := convert(t, transcode.Job{Source: test.source, Options: options})
		if sound.Samples() != test.samples || len(got.Warnings) > 0 {
			t.Errorf("%s: %d samples, want %d; %+v", name, sound.Samples(), test.samples, got)
		}
	}
	_, sound := convert(t, transcode.Job{Source: source, Options: conversion.Options{Start: at(0.9), End: at(2.25)}})
	if quiet, loud := sound.Cut(0, 0.09).RMS(0), sound.Cut(0.11, 0.58).RMS(0); quiet > 0.01 || loud < 0.15 {
		t.Errorf("the burst that begins at 1 s is not 0.1 s into the cut: %.3f before, %.3f after", quiet, loud)
	}
	_, sound = convert(t, transcode.Job{Source: late, Options: conversion.Options{Start: at(0.5), End: at(1.5)}})
	if quiet, loud := sound.Cut(0, 0.49).RMS(0), sound.Cut(0.51, 1).RMS(0); quiet > 0.01 || loud < 0.15 {
		t.Errorf("the sound that begins at 1 s is not 0.5 s into the cut: %.3f before, %.3f after", quiet, loud)
	}
}

// TestLateStartIsExact begins far within a video: ffmpeg passes over what comes long before, and what comes out is what
// would come out if it had not. That is seen in fragments, which have no index to pass over anything by.
func TestLateStartIsExact(t *testing.T) {
	spec := mediatest.Spec{Seconds: 36, Rate: 44100, Codec: "alac", Sound: mediatest.Speech}
	fragments := filepath.Join(t.TempDir(), "fragments.mp4")
	run(t, "-i", mediatest.Video(t, spec), "-c", "copy", "-movflags", "+frag_keyframe+empty_moov", fragments)
	options := conversion.Options{Bitrate: 128, Start: at(27.654321), End: at(33.25)}
	_, want := convert(t, transcode.Job{Source: fragments, Options: options})
	if loud := want.RMS(0); loud < 0.05 {
		t.Fatalf("there is nothing to hear: %.3f", loud)
	}

	raw := bytes.Clone(mediatest.Bytes(t, spec))
	media := bytes.Index(raw, []byte("mdat"))
	for i := range len(raw) / 4 { // nobody is to read the first seconds
		raw[media+100+i] = 0xA5
	}
	for name, source := range map[string]string{
		"whole": mediatest.Video(t, spec), "beginning destroyed": mediatest.File(t, "damaged.mp4", raw),
	} {
		got, sound := convert(t, transcode.Job{Source: source, Options: options})
		if len(got.Warnings) > 0 || !slices.EqualFunc(sound.Channels, want.Channels, slices.Equal) {
			t.Errorf("%s: it sounds different: %+v", name, got)
		}
	}
}

func TestSoundStaysWithThePicture(t *testing.T) {
	for _, container := range []string{"mp4", "mkv", "ts", "mov"} {
		source := mediatest.Video(t, mediatest.Spec{Container: container, Late: 0.7, Codec: "ac3"})
		got, sound := convert(t, transcode.Job{Source: source})
		if (got.Duration - 2700*time.Millisecond).Abs() > 60*time.Millisecond {
			t.Errorf("%s: lasts %s", container, got.Duration)
		}
		if quiet, loud := sound.Cut(0, 0.62).RMS(0), sound.Cut(0.78, 2.5).RMS(0); quiet > 0.01 || loud < 0.15 {
			t.Errorf("%s: %.3f before the sound begins, %.3f after", container, quiet, loud)
		}
	}
}

func TestGapsBecomeSilence(t *testing.T) {
	whole := mediatest.Video(t, mediatest.Spec{Container: "mkv", Codec: "pcm_s16le", Seconds: 4})
	gappy := filepath.Join(t.TempDir(), "gappy.mkv")
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", whole, "-map", "0", "-c:v", "copy",
		"-af", "aselect=not(between(t\\,1\\,2.5))", "-c:a", "pcm_s16le", gappy).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got, sound := convert(t, transcode.Job{Source: gappy})
	if (got.Duration - 4*time.Second).Abs() > 50*time.Millisecond {
		t.Errorf("lasts %s", got.Duration)
	}
	if quiet, loud := sound.Cut(1.1, 2.4).RMS(0), sound.Cut(2.7, 3.9).RMS(0); quiet > 0.01 || loud < 0.15 {
		t.Errorf("%.3f in the gap, %.3f after", quiet, loud)
	}
}

func TestChannelsAndRate(t *testing.T) {
	source := mediatest.Video(t, mediatest.Spec{Rate: 44100})
	got, sound := convert(t, transcode.Job{Source: source, Options: conversion.Options{Mono: true, SampleRate: 24000}})
	if got.Channels != 1 || got.SampleRate != 24000 || got.Copied {
		t.Errorf("got %+v", got)
	}
	if hz := sound.Frequency(0); math.Abs(hz-440) > 1 {
		t.Errorf("sounds at %g Hz", hz)
	}
	if level := sound.RMS(0); math.Abs(level-0.177) > 0.01 {
		t.Errorf("mono has a level of %.3f, the source 0.177", level)
	}
}

// TestOneSideInMono: what sounds on one side only is mixed with the other's silence, so that no mix can clip; what is the
// same on both stays as loud as it was, which TestChannelsAndRate shows.
func TestOneSideInMono(t *testing.T) {
	source := mediatest.Video(t, mediatest.Spec{Container: "mkv", Codec: "flac", Only: "FL"})
	_, sound := convert(t, transcode.Job{Source: source, Options: conversion.Options{Mono: true}})
	if level := sound.RMS(0); math.Abs(level-0.177/2) > 0.005 {
		t.Errorf("mono has a level of %.3f, the one side 0.177", level)
	}
}

func TestDialogueIsKept(t *testing.T) {
	levels := map[string][2]float64{}
	for _, place := range []string{"FC", "FL", "BL", "LFE"} {
		source := mediatest.Video(t, mediatest.Spec{Container: "mkv", Codec: "flac", Channels: 6, Only: place})
		_, sound := convert(t, transcode.Job{Source: source})
		levels[place] = [2]float64{sound.RMS(0), sound.RMS(1)}
	}
	if c := levels["FC"]; c[0] < 0.04 || math.Abs(c[0]-c[1]) > 0.001 {
		t.Errorf("the centre has levels %v", c)
	}
	if l := levels["FL"]; l[0] < 0.05 || l[1] > 0.001 {
		t.Errorf("the left has levels %v", l)
	}
	if b := levels["BL"]; b[0] < 0.03 || b[0] >= levels["FC"][0] {
		t.Errorf("the back left has levels %v", b)
	}
}

func TestTracks(t *testing.T) {
	source := mediatest.Video(t, mediatest.Spec{Container: "mkv", Tracks: 3, Hz: 300, Extra: "-disposition:a:0 0 -disposition:a:1 default"})
	for track, hz := range map[int]float64{0: 600, 1: 300, 2: 600, 3: 900} {
		_, sound := convert(t, transcode.Job{Source: source, Options: conversion.Options{Track: track}})
		if got := sound.Frequency(0); math.Abs(got-hz) > 1 {
			t.Errorf("track %d sounds at %g Hz, want %g", track, got, hz)
		}
	}
}

func TestLoudness(t *testing.T) {
	for name, test := range map[string]struct {
		spec   mediatest.Spec
		target float64
	}{
		"softer":  {mediatest.Spec{Seconds: 5, Sound: mediatest.Speech}, -30},
		"louder":  {mediatest.Spec{Seconds: 5, Sound: mediatest.Tone}, -9},
		"limited": {mediatest.Spec{Seconds: 8, Sound: mediatest.Speech}, -12},
	} {
		options := conversion.Options{Loudness: &test.target}
		got, _ := convert(t, transcode.Job{Source: mediatest.Video(t, test.spec), Options: options})
		if math.Abs(got.Loudness-test.target) > 1 {
			t.Errorf("%s: %g LUFS, want %g", name, got.Loudness, test.target)
		}
		if len(got.Warnings) > 0 {
			t.Errorf("%s: warns %q", name, got.Warnings)
		}
	}
	target := -16.0
	silence := mediatest.Video(t, mediatest.Spec{Sound: mediatest.Silence})
	got, _ := convert(t, transcode.Job{Source: silence, Options: conversion.Options{Loudness: &target}})
	if len(got.Warnings) != 1 || got.Loudness != 0 {
		t.Errorf("silence: got %+v", got)
	}
}

func TestTags(t *testing.T) {
	source := mediatest.Video(t, mediatest.Spec{Extra: "-metadata title=Own -metadata artist=Somebody -metadata date=1999"})
	tests := map[string]struct {
		options conversion.Options
		want    map[string]string
	}{
		"the file's own": {conversion.Options{}, map[string]string{"title": "Own", "artist": "Somebody", "date": "1999"}},
		"overridden": {
			conversion.Options{Title: "Né", Album: "LP", Year: "2024"},
			map[string]string{"title": "Né", "artist": "Somebody", "album": "LP", "date": "2024"},
		},
		"none": {conversion.Options{NoTags: true}, map[string]string{"title": "", "artist": ""}},
	}
	for name, test := range tests {
		path := filepath.Join(t.TempDir(), "out.mp3")
		file, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := newTranscoder(t).Run(t.Context(), transcode.Job{Source: source, Options: test.options, Sink: file}, nil); err != nil {
			t.Fatal(err)
		}
		file.Close()
		for key, want := range test.want {
			out, err := exec.Command("ffprobe", "-v", "error", "-show_entries", "format_tags="+key, "-of", "csv=p=0", path).Output()
			if got := strings.TrimSpace(string(out)); err != nil || got != want {
				t.Errorf("%s: %s is %q, want %q (%v)", name, key, got, want, err)
			}
		}
	}
}

func TestAnyWriterIsASink(t *testing.T) {
	temp := t.TempDir()
	transcoder, err := transcode.New(transcode.Config{TempDir: temp, Sandbox: mediatest.Box(t)})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	job := transcode.Job{Source: mediatest.Video(t, mediatest.Spec{}), Sink: struct{ io.Writer }{&out}}
	var last transcode.Progress
	result, err := transcoder.Run(t.Context(), job, func(now transcode.Progress) {
		if now.Fraction < last.Fraction || now.Fraction > 1 {
			t.Errorf("progress went from %v to %v", last.Fraction, now.Fraction)
		}
		last = now
	})
	if err != nil {
		t.Fatal(err)
	}
	if last.Fraction != 1 || last.Done != result.MP3.Duration || last.Speed <= 0 {
		t.Errorf("ended with %+v", last)
	}
	checkTruth(t, result.MP3, mediatest.File(t, "out.mp3", out.Bytes()))
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind %v, %v", left, err)
	}
}

func TestSinkWithSomethingBefore(t *testing.T) {
	path := mediatest.File(t, "out", []byte("before"))
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.Seek(0, io.SeekEnd); err != nil {
		t.Fatal(err)
	}
	job := transcode.Job{Source: mediatest.Video(t, mediatest.Spec{}), Sink: file}
	result, err := newTranscoder(t).Run(t.Context(), job, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil || !bytes.HasPrefix(raw, []byte("before")) {
		t.Fatalf("%v, begins %q", err, raw[:min(len(raw), 10)])
	}
	checkTruth(t, result.MP3, mediatest.File(t, "out.mp3", raw[len("before"):]))
}
