package transcode

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/unreel/unreel/internal/conversion"
)

// sample is a quarter of a second of a tone, AAC in MP4.
//
//go:embed sample.mp4
var sample []byte

// Try converts a sample that the program brings along, by our own encoder and by ffmpeg: whether both work in the box shows
// before the first video comes.
func (t *Transcoder) Try(ctx context.Context) error {
	folder, err := os.MkdirTemp(t.config.TempDir, "sample-")
	if err != nil {
		return fmt.Errorf("convert a sample: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }() // the service clears its scratch folder anyway
	path := filepath.Join(folder, "sample.mp4")
	if err := os.WriteFile(path, sample, 0o600); err != nil {
		return fmt.Errorf("convert a sample: %w", err)
	}
	for _, options := range []conversion.Options{{}, {SampleRate: 32000}} { // the other rate takes ffmpeg
		if err := t.trySample(ctx, path, options); err != nil {
			return fmt.Errorf("convert a sample: %w", err)
		}
	}
	return nil
}

// Slow says, once something was converted, why conversions take longer than they could; empty if they don't.
func (t *Transcoder) Slow() string {
	switch library := t.library(); {
	case t.all.unable.Load():
		return "the encoder that works on all cores cannot be started, or finds no libmp3lame"
	case library == "":
		return "ffmpeg brings its own libavcodec along, and has to be started for each video"
	case t.all.undecoding.Load():
		return library + " cannot be used without ffmpeg, which has to be started for each video"
	default:
		return ""
	}
}

func (t *Transcoder) trySample(ctx context.Context, path string, options conversion.Options) error {
	result, err := t.Run(ctx, Job{Source: path, Options: options, Sink: io.Discard}, nil)
	if err != nil {
		return err
	}
	const length, tolerated = 250 * time.Millisecond, 60 * time.Millisecond
	if difference := (result.MP3.Duration - length).Abs(); difference > tolerated {
		return fmt.Errorf("%s of sound came out of %s", result.MP3.Duration, length)
	}
	return nil
}
