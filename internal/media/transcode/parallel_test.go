package transcode_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/encoder"
	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/internal/media/transcode"
)

// on converts with so many cores.
func on(t *testing.T, cores int, job transcode.Job) (conversion.MP3, []byte) {
	t.Helper()
	transcoder, err := transcode.New(transcode.Config{Cores: cores, Sandbox: mediatest.Box(t)})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "out.mp3")
	sink, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	job.Sink = sink
	var last transcode.Progress
	result, err := transcoder.Run(t.Context(), job, func(now transcode.Progress) {
		if now.Fraction < last.Fraction {
			t.Errorf("progress goes back from %v to %v", last, now)
		}
		last = now
	})
	if err != nil {
		t.Fatal(err)
	}
	if last.Fraction != 1 {
		t.Errorf("progress ends at %v", last.Fraction)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return result.MP3, raw
}

// TestAllCoresMakeTheSame holds the parallel encoder against ffmpeg's own, through the whole way.
func TestAllCoresMakeTheSame(t *testing.T) {
	program, err := encoder.Load(t.Context(), mediatest.Box(t))
	if err != nil {
		t.Fatalf("%v (scripts/encoder builds it)", err)
	}
	program.Close()
	cut := conversion.Time(3 * time.Second)
	for name, test := range map[string]struct {
		spec    mediatest.Spec
		options conversion.Options
	}{
		"constant": {mediatest.Spec{Seconds: 30, Sound: mediatest.Speech}, conversion.Options{Bitrate: 128, NoTags: true}},
		"44.1 kHz": {mediatest.Spec{Seconds: 30, Rate: 44100, Sound: mediatest.Speech}, conversion.Options{Bitrate: 192, NoTags: true}},
		"variable": {mediatest.Spec{Seconds: 30, Sound: mediatest.Speech}, conversion.Options{NoTags: true}},
		"cut":      {mediatest.Spec{Seconds: 30, Container: "mkv", Sound: mediatest.Noise}, conversion.Options{Bitrate: 96, Start: &cut, NoTags: true}},
		"mono":     {mediatest.Spec{Seconds: 30, Channels: 6}, conversion.Options{Mono: true, SampleRate: 22050, NoTags: true}},
	} {
		t.Run(name, func(t *testing.T) {
			job := transcode.Job{Source: mediatest.Video(t, test.spec), Options: test.options}
			one, want := on(t, 1, job)
			many, got := on(t, 3, job)
			if many.Duration != one.Duration || many.Channels != one.Channels || many.SampleRate != one.SampleRate {
				t.Errorf("got %+v, want %+v", many, one)
			}
			if test.options.Bitrate > 0 && one.Bitrate != many.Bitrate {
				t.Errorf("got %d bit/s, want %d", many.Bitrate, one.Bitrate)
			}
			if !bytes.Equal(sound(t, got), sound(t, want)) {
				t.Error("it sounds different")
			}
			if length := played(t, got); (length - many.Duration).Abs() > time.Microsecond { // a sample takes twenty
				t.Errorf("another player plays %s, want %s", length, many.Duration)
			}
		})
	}
}

// sound is what an MP3 decodes to, sample for sample.
func sound(t *testing.T, raw []byte) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "sound.f32")
	run(t, "-i", mediatest.File(t, "in.mp3", raw), "-f", "f32le", out)
	pcm, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return pcm
}

// played is how long mpg123 plays an MP3, which finds nothing wrong with it: a decoder that shares nothing with the
// one that everything else here is tested with.
func played(t *testing.T, raw []byte) time.Duration {
	t.Helper()
	out := filepath.Join(t.TempDir(), "played.wav")
	log, err := exec.Command("mpg123", "-q", "-w", out, mediatest.File(t, "played.mp3", raw)).CombinedOutput()
	if err != nil || len(log) > 0 {
		t.Fatalf("mpg123: %v: %s", err, log)
	}
	return mediatest.Decode(t, out).Duration()
}
