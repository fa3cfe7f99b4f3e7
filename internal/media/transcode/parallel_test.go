package transcode_test

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/encode"
	"github.com/unreel/unreel/internal/media/encoder"
	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/internal/media/transcode"
)

// on converts with so many cores.
func on(t *testing.T, cores int, job transcode.Job) (conversion.MP3, []byte) {
	t.Helper()
	var warnings bytes.Buffer
	transcoder, err := transcode.New(transcode.Config{Cores: cores, Sandbox: mediatest.Box(t), Logger: warn(&warnings)})
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
	if warnings.Len() > 0 {
		t.Errorf("not as it was meant to be made: %s", &warnings)
	}
	return result.MP3, raw
}

// warn is a logger of warnings, such as that the encoder was not used.
func warn(to io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// TestAllCoresMakeTheSame holds the parallel encoder against ffmpeg's own, through the whole way.
func TestAllCoresMakeTheSame(t *testing.T) {
	cut := conversion.Time(3 * time.Second)
	for name, test := range map[string]struct {
		spec    mediatest.Spec
		options conversion.Options
	}{
		"constant": {mediatest.Spec{Seconds: 30, Sound: mediatest.Speech}, conversion.Options{Bitrate: 128, NoTags: true}},
		"44.1 kHz": {mediatest.Spec{Seconds: 30, Rate: 44100, Container: "mkv", Sound: mediatest.Speech}, conversion.Options{Bitrate: 192, NoTags: true}},
		"variable": {mediatest.Spec{Seconds: 30, Sound: mediatest.Speech}, conversion.Options{NoTags: true}},
		"average":  {mediatest.Spec{Seconds: 30, Rate: 44100, Container: "mkv", Sound: mediatest.Noise}, conversion.Options{ABR: 135, NoTags: true}},
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

// TestEncoderMissing has an encoder that finds no libmp3lame, and one that cannot be started at all: that is said once, and
// then everything is encoded on one core.
func TestEncoderMissing(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	job := transcode.Job{Source: mediatest.Video(t, mediatest.Spec{Seconds: 30}), Sink: io.Discard}
	for name, path := range map[string]string{"no library": self, "no program": mediatest.File(t, "text", []byte("no program"))} {
		t.Run(name, func(t *testing.T) {
			image, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer image.Close()
			var warnings bytes.Buffer
			transcoder, err := transcode.New(transcode.Config{Cores: 2, Sandbox: mediatest.Box(t), Logger: warn(&warnings)})
			if err != nil {
				t.Fatal(err)
			}
			transcoder.EncodeBy(image)
			for range 2 {
				result, err := transcoder.Run(t.Context(), job, nil)
				if err != nil || (result.MP3.Duration-30*time.Second).Abs() > time.Millisecond {
					t.Errorf("%s: %v", result.MP3.Duration, err)
				}
			}
			if n := strings.Count(warnings.String(), "encoding on one core a file"); n != 1 {
				t.Errorf("said %d times: %s", n, &warnings)
			}
		})
	}
}

// encodes tells whether this program was started as if it were the encoder.
func encodes() bool { return len(os.Args) > 1 && os.Args[1] == encoder.Args(encode.Config{})[0] }

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
