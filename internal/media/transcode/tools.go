package transcode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/unreel/unreel/internal/media/sandbox"
)

// ErrNoFFmpeg says that ffmpeg or ffprobe is missing or of no use.
var ErrNoFFmpeg = errors.New("ffmpeg cannot be used")

const install = "install the package ffmpeg (Debian, Ubuntu: apt-get install ffmpeg; macOS: brew install ffmpeg)"

// find returns the absolute path of a program that was configured, or is on PATH.
func find(configured, name string) (string, error) {
	if configured == "" {
		configured = name
	}
	path, err := exec.LookPath(configured)
	if err != nil {
		return "", fmt.Errorf("%w: %s was not found: %s", ErrNoFFmpeg, configured, install)
	}
	return filepath.Abs(path)
}

// abilities is what differs between builds of ffmpeg.
type abilities struct {
	version  string
	soxr     bool // the better resampler
	libspeex bool // ffmpeg 7's own speex decoder doubles the duration
}

// inquire reads the banner of ffmpeg -version, and refuses a build that can't write MP3.
func inquire(box *sandbox.Box, ffmpeg string) (abilities, error) {
	const enough = 64 << 10 // bytes
	var out []byte
	end, err := process{
		box: box, path: ffmpeg, args: []string{"-hide_banner", "-version"}, deadline: 30 * time.Second,
		output: func(from io.Reader) (err error) {
			out, err = io.ReadAll(io.LimitReader(from, enough))
			return err
		},
	}.run(context.Background())
	if err == nil && end.exit != nil {
		err = fmt.Errorf("%w: %s", end.exit, strings.Join(end.log.summary, "; "))
	}
	if _, refused := errors.AsType[*sandbox.LaunchError](err); refused {
		return abilities{}, fmt.Errorf("convert: %w", err)
	}
	if err != nil {
		return abilities{}, fmt.Errorf("%w: %s -version: %w: %s", ErrNoFFmpeg, ffmpeg, err, install)
	}
	banner := string(out)
	if !strings.Contains(banner, "--enable-libmp3lame") {
		return abilities{}, withoutLAME(ffmpeg)
	}
	return abilities{
		version:  version(banner),
		soxr:     strings.Contains(banner, "--enable-libsoxr"),
		libspeex: strings.Contains(banner, "--enable-libspeex"),
	}, nil
}

func withoutLAME(ffmpeg string) error {
	return fmt.Errorf("%w: %s was built without libmp3lame: %s", ErrNoFFmpeg, ffmpeg, install)
}

// version is the third word of "ffmpeg version 7.1 Copyright …".
func version(banner string) string {
	if words := strings.Fields(banner); len(words) > 2 {
		return words[2]
	}
	return ""
}
