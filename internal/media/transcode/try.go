package transcode

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// sample is a quarter of a second of a tone, AAC in MP4.
//
//go:embed sample.mp4
var sample []byte

// Try converts a sample that the program brings along: whether ffmpeg works in its box shows before the first
// video comes.
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
	result, err := t.Run(ctx, Job{Source: path, Sink: io.Discard}, nil)
	if err != nil {
		return fmt.Errorf("convert a sample: %w", err)
	}
	const length, tolerated = 250 * time.Millisecond, 60 * time.Millisecond
	if difference := (result.MP3.Duration - length).Abs(); difference > tolerated {
		return fmt.Errorf("convert a sample: %s of sound came out of %s", result.MP3.Duration, length)
	}
	return nil
}
