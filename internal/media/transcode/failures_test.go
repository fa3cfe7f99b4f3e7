package transcode_test

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/internal/media/transcode"
)

// refuse expects a lasting failure.
func refuse(t *testing.T, transcoder *transcode.Transcoder, job transcode.Job, want conversion.Slug) {
	t.Helper()
	job.Sink = io.Discard
	result, err := transcoder.Run(t.Context(), job, nil)
	var failure *conversion.Failure
	if !errors.As(err, &failure) {
		t.Errorf("got %v and %+v, want %s", err, result.MP3, want)
		return
	}
	if failure.Slug != want || len(failure.Detail) < 40 || strings.Contains(failure.Detail, job.Source) {
		t.Errorf("got %v, want %s", failure, want)
	}
}

func TestLastingFailures(t *testing.T) {
	garbled := make([]byte, 100_000)
	for i := range garbled {
		garbled[i] = byte(i * i >> 3)
	}
	mp4 := mediatest.Bytes(t, mediatest.Spec{})
	tests := map[string]struct {
		source  string
		options conversion.Options
		want    conversion.Slug
	}{
		"no sound":         {mediatest.Video(t, mediatest.Spec{NoSound: true}), conversion.Options{}, conversion.NoAudioStream},
		"no sound in mkv":  {mediatest.Video(t, mediatest.Spec{Container: "mkv", NoSound: true}), conversion.Options{}, conversion.NoAudioStream},
		"text":             {mediatest.Text(t), conversion.Options{}, conversion.UnsupportedMedia},
		"text without ext": {mediatest.File(t, "notes", []byte("hello\n")), conversion.Options{}, conversion.UnsupportedMedia},
		"empty":            {mediatest.Empty(t), conversion.Options{}, conversion.UnsupportedMedia},
		"garbage":          {mediatest.File(t, "garbage.mp4", garbled), conversion.Options{}, conversion.UnsupportedMedia},
		"a picture":        {picture(t), conversion.Options{}, conversion.UnsupportedMedia},
		"index cut off":    {mediatest.File(t, "cut.mp4", mp4[:len(mp4)*2/3]), conversion.Options{}, conversion.CorruptMedia},
		"within index":     {mediatest.File(t, "cut.mp4", mp4[:len(mp4)-1000]), conversion.Options{}, conversion.CorruptMedia},
		"head of an mkv":   {mediatest.Truncated(t, mediatest.Spec{Container: "mkv"}, 0.003), conversion.Options{}, conversion.CorruptMedia},
		"encrypted":        {encryptedVideo(t), conversion.Options{}, conversion.EncryptedMedia},
		"no such track":    {mediatest.Video(t, mediatest.Spec{}), conversion.Options{Track: 2}, conversion.NoSuchTrack},
		"start too late":   {mediatest.Video(t, mediatest.Spec{}), conversion.Options{Start: at(5)}, conversion.NoAudioStream},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			refuse(t, newTranscoder(t), transcode.Job{Source: test.source, Options: test.options}, test.want)
		})
	}
}

func picture(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "picture.png")
	run(t, "-f", "lavfi", "-i", "testsrc=s=32x32", "-frames:v", "1", path)
	return path
}

func encryptedVideo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "encrypted.mp4")
	run(t, "-i", mediatest.Video(t, mediatest.Spec{}), "-c", "copy", "-encryption_scheme", "cenc-aes-ctr",
		"-encryption_key", strings.Repeat("76", 16), "-encryption_kid", strings.Repeat("a7", 16), path)
	return path
}

func run(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ffmpeg", append([]string{"-v", "error", "-nostdin", "-y"}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
}

func TestTooLong(t *testing.T) {
	transcoder, err := transcode.New(transcode.Config{MaxDuration: time.Second, Sandbox: mediatest.Box(t)})
	if err != nil {
		t.Fatal(err)
	}
	source := mediatest.Video(t, mediatest.Spec{})
	refuse(t, transcoder, transcode.Job{Source: source}, conversion.TooLong)
	job := transcode.Job{Source: source, Options: conversion.Options{End: at(0.9)}, Sink: io.Discard}
	if _, err := transcoder.Run(t.Context(), job, nil); err != nil {
		t.Errorf("a part that is short enough: %v", err)
	}
}

func TestTooLongThoughTheFileDoesNotSay(t *testing.T) {
	transcoder, err := transcode.New(transcode.Config{MaxDuration: time.Second, Sandbox: mediatest.Box(t)})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "live.mkv")
	run(t, "-f", "lavfi", "-i", "sine=d=20", "-c:a", "flac", "-f", "matroska", "-live", "1", path)
	refuse(t, transcoder, transcode.Job{Source: path}, conversion.TooLong)
}

func TestTimedOut(t *testing.T) {
	transcoder, err := transcode.New(transcode.Config{Stall: time.Nanosecond, Sandbox: mediatest.Box(t)})
	if err != nil {
		t.Fatal(err)
	}
	refuse(t, transcoder, transcode.Job{Source: mediatest.Video(t, mediatest.Spec{Container: "mkv"})}, conversion.TimedOut)
}

func TestPassingErrors(t *testing.T) {
	source := mediatest.Video(t, mediatest.Spec{Seconds: 5})
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	full := errors.New("no space left")
	tests := map[string]struct {
		ctx  context.Context
		job  transcode.Job
		want error
	}{
		"canceled":  {canceled, transcode.Job{Source: source, Sink: io.Discard}, context.Canceled},
		"no file":   {t.Context(), transcode.Job{Source: source + ".gone", Sink: io.Discard}, os.ErrNotExist},
		"full disk": {t.Context(), transcode.Job{Source: source, Sink: fullSink{full}}, full},
	}
	for name, test := range tests {
		_, err := newTranscoder(t).Run(test.ctx, test.job, nil)
		var failure *conversion.Failure
		if !errors.Is(err, test.want) || errors.As(err, &failure) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

type fullSink struct{ err error }

func (s fullSink) Write([]byte) (int, error) { return 0, s.err }

func TestCancelEndsFFmpeg(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("the owner deleted it")
	path := filepath.Join(t.TempDir(), "long.wav")
	run(t, "-f", "lavfi", "-i", "sine=d=3600:r=8000", "-c:a", "pcm_u8", path)
	_, err := newTranscoder(t).Run(ctx, transcode.Job{Source: path, Sink: io.Discard}, func(transcode.Progress) { cancel(gone) })
	if !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
}

func TestTruncatedConvertsAsFarAsItGoes(t *testing.T) {
	for name, source := range map[string]string{
		"faststart mp4": mediatest.Truncated(t, mediatest.Spec{Seconds: 8, Extra: "-movflags +faststart"}, 0.5),
		"mkv":           mediatest.Truncated(t, mediatest.Spec{Seconds: 8, Container: "mkv"}, 0.5),
		"webm":          mediatest.Truncated(t, mediatest.Spec{Seconds: 8, Container: "webm"}, 0.5),
		"avi":           mediatest.Truncated(t, mediatest.Spec{Seconds: 8, Container: "avi"}, 0.5),
		"wav":           mediatest.Truncated(t, mediatest.Spec{Seconds: 8, Container: "wav"}, 0.5),
		"mp3":           mediatest.Truncated(t, mediatest.Spec{Seconds: 8, Container: "mp3"}, 0.5),
		"fragmented":    mediatest.Truncated(t, mediatest.Spec{Seconds: 8, Extra: "-movflags +frag_keyframe+empty_moov"}, 0.5),
		"ogg":           mediatest.Truncated(t, mediatest.Spec{Seconds: 8, Container: "ogg", Codec: "libvorbis"}, 0.5),
		"flv":           mediatest.Truncated(t, mediatest.Spec{Seconds: 8, Container: "flv", Rate: 44100}, 0.5),
		"wmv":           mediatest.Truncated(t, mediatest.Spec{Seconds: 8, Container: "wmv", Rate: 44100}, 0.5),
	} {
		t.Run(name, func(t *testing.T) {
			got, sound := convert(t, transcode.Job{Source: source})
			if got.Duration < 2*time.Second || got.Duration > 6*time.Second {
				t.Errorf("lasts %s", got.Duration)
			}
			if len(got.Warnings) == 0 {
				t.Error("does not warn")
			}
			if share := sound.Cut(0.2, 1.8).Share(0, 440); share < 0.95 {
				t.Errorf("only %.2f of it is the tone", share)
			}
		})
	}
}

func TestDamageIsTold(t *testing.T) {
	for _, spec := range []mediatest.Spec{
		{Seconds: 6, Container: "ts", Codec: "ac3"},
		{Seconds: 6, Container: "mkv", Codec: "pcm_s16le", NoPicture: true}, // whose decoder takes anything
		{Seconds: 6, Container: "ogg", Codec: "libvorbis"},
	} {
		t.Run(spec.Container, func(t *testing.T) {
			raw := bytes.Clone(mediatest.Bytes(t, spec))
			for i := len(raw) / 3; i < len(raw)/2; i++ {
				raw[i] ^= 0x5A
			}
			got, _ := convert(t, transcode.Job{Source: mediatest.File(t, "damaged."+spec.Container, raw)})
			if got.Duration < 4*time.Second || len(got.Warnings) == 0 {
				t.Errorf("lasts %s, warns %q", got.Duration, got.Warnings)
			}
		})
	}
}

// TestFFmpegWithoutLAME is a build that says what ffmpeg 5 and 7 say of an encoder that they don't have.
func TestFFmpegWithoutLAME(t *testing.T) {
	useless := filepath.Join(t.TempDir(), "ffmpeg")
	build := exec.Command("go", "build", "-o", useless, "./testdata/useless") // a box runs no scripts
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, output)
	}
	transcoder, err := transcode.New(transcode.Config{FFmpeg: useless, Sandbox: mediatest.Box(t)})
	if err != nil {
		t.Fatal(err)
	}
	_, running := transcoder.Run(t.Context(), transcode.Job{Source: mediatest.Video(t, mediatest.Spec{}), Sink: io.Discard}, nil)
	for what, err := range map[string]error{"check": transcoder.Check(), "run": running} {
		if !errors.Is(err, transcode.ErrNoFFmpeg) || !strings.Contains(err.Error(), "built without libmp3lame") {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

// TestFFmpegLacksLibrary breaks the installation, which is no fault of any video.
func TestFFmpegLacksLibrary(t *testing.T) {
	job := transcode.Job{Source: mediatest.Video(t, mediatest.Spec{Container: "ts", Seconds: 30}), Sink: io.Discard}
	for _, config := range []transcode.Config{
		{FFmpeg: broken(t, "ffmpeg"), Cores: 1}, {FFmpeg: broken(t, "ffmpeg"), Cores: 2}, {FFprobe: broken(t, "ffprobe")},
	} {
		config.Sandbox = mediatest.Box(t)
		transcoder, err := transcode.New(config)
		if err != nil {
			t.Fatal(err)
		}
		_, err = transcoder.Run(t.Context(), job, nil)
		if failure, ok := errors.AsType[*conversion.Failure](err); ok || err == nil || !strings.Contains(err.Error(), "shared librar") {
			t.Errorf("%v, %+v", err, failure)
		}
	}
}

// broken is a copy of a program that wants another library than there is.
func broken(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	program, err := elf.Open(path)
	if err != nil {
		t.Skipf("this machine's programs are others: %v", err)
	}
	defer program.Close()
	libraries, err := program.ImportedLibraries()
	if err != nil || len(libraries) == 0 {
		t.Skipf("%s needs no library: %v", path, err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	library := []byte(libraries[0] + "\x00")
	content = bytes.ReplaceAll(content, library, append([]byte("no"), library[2:]...))
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPlainFileStartsFFmpegOnce counts what is started for an ordinary video whose sound is not decoded without ffmpeg.
func TestPlainFileStartsFFmpegOnce(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	transcoder, err := transcode.New(transcode.Config{Logger: logger, Sandbox: mediatest.Box(t)})
	if err != nil {
		t.Fatal(err)
	}
	source := mediatest.Video(t, mediatest.Spec{Codec: "alac"})
	if _, err := transcoder.Run(t.Context(), transcode.Job{Source: source, Sink: io.Discard}, nil); err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string]int{"ffmpeg ended": 1, "ffmpeg was asked what it can": 0, "msg=probed": 0} {
		if got := strings.Count(log.String(), what); got != want {
			t.Errorf("%s: %d times, want %d\n%s", what, got, want, log.String())
		}
	}
}

func TestMissingFFmpeg(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := transcode.New(transcode.Config{Sandbox: mediatest.Box(t)})
	if !errors.Is(err, transcode.ErrNoFFmpeg) || !strings.Contains(err.Error(), "apt-get install ffmpeg") {
		t.Errorf("got %v", err)
	}
}
