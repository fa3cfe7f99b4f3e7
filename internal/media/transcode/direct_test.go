package transcode_test

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/internal/media/transcode"
)

// started converts, and tells how often ffmpeg was started for it. Where byFFmpeg, the encoder decodes nothing itself.
func started(t *testing.T, byFFmpeg bool, job transcode.Job) (raw []byte, made transcode.Result, times int, err error) {
	t.Helper()
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	transcoder, err := transcode.New(transcode.Config{Logger: logger, Sandbox: mediatest.Box(t)})
	if err != nil {
		t.Fatal(err)
	}
	if byFFmpeg {
		transcoder.DecodeByFFmpeg()
	}
	sink, err := os.Create(filepath.Join(t.TempDir(), "out.mp3"))
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	job.Sink = sink
	if made, err = transcoder.Run(t.Context(), job, nil); err != nil {
		return nil, made, strings.Count(log.String(), "ffmpeg ended"), err
	}
	raw, err = os.ReadFile(sink.Name())
	if err != nil {
		t.Fatal(err)
	}
	return raw, made, strings.Count(log.String(), "ffmpeg ended"), nil
}

// TestOrdinaryVideoNeedsNoFFmpeg: without ffmpeg, byte for byte what comes out with it.
func TestOrdinaryVideoNeedsNoFFmpeg(t *testing.T) {
	type spec = mediatest.Spec
	type options = conversion.Options
	for name, test := range map[string]struct {
		spec    spec
		options options
	}{
		"48 kHz":       {spec{Seconds: 4, Sound: mediatest.Speech}, options{}},
		"44.1 kHz":     {spec{Seconds: 4, Rate: 44100, Sound: mediatest.Noise}, options{Bitrate: 128}},
		"32 kHz, mono": {spec{Seconds: 4, Rate: 32000, Channels: 1, Sound: mediatest.Speech}, options{ABR: 80}},
		"22.05 kHz":    {spec{Seconds: 4, Rate: 22050}, options{VBR: new(5)}},
		"8 kHz":        {spec{Seconds: 4, Rate: 8000, Channels: 1}, options{}},
		"QuickTime":    {spec{Seconds: 4, Container: "mov"}, options{}},
		"sound only":   {spec{Seconds: 4, Container: "m4a"}, options{}},
		"no edit list": {spec{Seconds: 4, Extra: "-use_editlist 0"}, options{}},
		"tracks":       {spec{Seconds: 4, Tracks: 3}, options{Track: 2}},
		"faststart":    {spec{Seconds: 4, Extra: "-movflags +faststart -metadata title=Own"}, options{}},
		"very short":   {spec{Seconds: 0.01, NoPicture: true}, options{}},
		"start":        {spec{Seconds: 4, Sound: mediatest.Speech}, options{Start: at(1.2345678)}},
		"end":          {spec{Seconds: 4, Rate: 44100, Sound: mediatest.Speech}, options{End: at(2.2345678)}},
		"both":         {spec{Seconds: 14, Rate: 44100, Sound: mediatest.Speech}, options{Start: at(11.7), End: at(12.000011)}},
		"end behind":   {spec{Seconds: 4}, options{End: at(100)}},
	} {
		t.Run(name, func(t *testing.T) {
			job := transcode.Job{Source: mediatest.Video(t, test.spec), Options: test.options, Cores: 1}
			got, made, times, err := started(t, false, job)
			if err != nil || times != 0 || len(made.MP3.Warnings) > 0 {
				t.Fatalf("ffmpeg was started %d times; %v, %v", times, made.MP3.Warnings, err)
			}
			want, _, times, err := started(t, true, job)
			if err != nil || times != 1 {
				t.Fatalf("ffmpeg was started %d times; %v", times, err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%d bytes that are not ffmpeg's %d", len(got), len(want))
			}
		})
	}
}

// TestUnsteadyClock has frames that a telephone's clock calls longer or shorter than they are.
func TestUnsteadyClock(t *testing.T) {
	plain := mediatest.Bytes(t, mediatest.Spec{Seconds: 2, NoPicture: true, Sound: mediatest.Speech})
	for each, times := range map[uint32]int{1025: 0, 1010: 0, 1040: 0, 1060: 1, 990: 1, 1300: 1} {
		content := bytes.Clone(plain)
		durations := bytes.Index(content, []byte("stts")) + 12 // of nearly all frames
		binary.BigEndian.PutUint32(content[durations+4:], each)
		job := transcode.Job{Source: mediatest.File(t, "video.m4a", content), Cores: 1}
		got, _, n, err := started(t, false, job)
		want, _, _, wantErr := started(t, true, job)
		if err != nil || wantErr != nil || n != times || !bytes.Equal(got, want) {
			t.Errorf("%d: ffmpeg was started %d times, want %d; %d bytes, want %d; %v, %v", each, n, times, len(got), len(want), err, wantErr)
		}
	}
}

// TestWhatFFmpegMustDo is all but decoding.
func TestWhatFFmpegMustDo(t *testing.T) {
	type spec = mediatest.Spec
	type options = conversion.Options
	for name, test := range map[string]struct {
		spec    spec
		options options
		times   int
	}{
		"mixing":     {spec{Channels: 6}, options{}, 1},
		"mono":       {spec{}, options{Mono: true}, 1},
		"rate":       {spec{}, options{SampleRate: 32000}, 1},
		"late sound": {spec{Late: 0.5}, options{}, 1},
		"loudness":   {spec{}, options{Loudness: new(-16.0)}, 3},
		"ALAC":       {spec{Codec: "alac"}, options{}, 1},
		"Matroska":   {spec{Container: "mkv"}, options{}, 1},
	} {
		_, _, times, err := started(t, false, transcode.Job{Source: mediatest.Video(t, test.spec), Options: test.options, Cores: 1})
		if err != nil || times != test.times {
			t.Errorf("%s: ffmpeg was started %d times, want %d; %v", name, times, test.times, err)
		}
	}
}

// TestDamagedVideosComeOutAlike changes bytes anywhere: what our decoder makes of it is what ffmpeg makes of it, a failure or
// a warning among that.
func TestDamagedVideosComeOutAlike(t *testing.T) {
	direct := 0
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 2))
		spec := []mediatest.Spec{
			{Seconds: 1, Sound: mediatest.Noise}, {Seconds: 1, Sound: mediatest.Speech, Container: "m4a"},
		}[seed%2]
		content := bytes.Clone(mediatest.Bytes(t, spec))
		for range 1 + random.IntN(3) {
			content[random.IntN(len(content))] ^= 1 << random.IntN(8)
		}
		job := transcode.Job{Source: mediatest.File(t, "video.mp4", content), Cores: 1}
		got, made, times, err := started(t, false, job)
		want, like, _, wantErr := started(t, true, job)
		if times == 0 {
			direct++
		}
		if text(err) != text(wantErr) || !bytes.Equal(got, want) || strings.Join(made.MP3.Warnings, "") != strings.Join(like.MP3.Warnings, "") {
			t.Errorf("seed %d: %d bytes, %v, %v; want %d, %v, %v", seed,
				len(got), made.MP3.Warnings, err, len(want), like.MP3.Warnings, wantErr)
		}
	}
	t.Logf("%d of 40 were decoded without ffmpeg", direct)
	if direct < 10 {
		t.Errorf("only %d of 40 were decoded without ffmpeg", direct)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestTry has both ways convert the sample.
func TestTry(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	transcoder, err := transcode.New(transcode.Config{Logger: logger, Sandbox: mediatest.Box(t)})
	if err != nil {
		t.Fatal(err)
	}
	if err := transcoder.Try(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(log.String(), "ffmpeg ended"); n != 1 || transcoder.Slow() != "" {
		t.Errorf("ffmpeg was started %d times; %s:\n%s", n, transcoder.Slow(), &log)
	}
	transcoder.DecodeByFFmpeg()
	if slow := transcoder.Slow(); !strings.Contains(slow, "libavcodec") {
		t.Errorf("says of decoding by ffmpeg: %q", slow)
	}
}
