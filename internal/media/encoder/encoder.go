// Package encoder carries the program unreel-encoder inside unreel and makes it ready to start. The two are not one
// program because unreel is linked statically, and libmp3lame can only be opened by one that is not; and because LAME
// may end the process that it runs in.
package encoder

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"github.com/unreel/unreel/internal/media/encode"
	"github.com/unreel/unreel/internal/media/sandbox"
)

//go:embed program
var program embed.FS

// ErrMissing says that there is no encoder to start: it was not built in, or the system has no such memory.
var ErrMissing = errors.New("the parallel encoder cannot be used")

// Load puts the program into memory, to be a Spec's Image. Whether it starts, and finds libmp3lame, shows when it is
// used: a start costs as much as a second of sound. An error wraps ErrMissing.
func Load() (*os.File, error) {
	file, err := sandbox.InMemory(program, "program/unreel-encoder")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: it was not built in: build with `make build`", ErrMissing)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMissing, err)
	}
	return file, nil
}

// Name is what the program finds as its own name.
const Name = "unreel-encoder"

// Video is what of a plain MP4 is to be encoded; the Samples of the Config tell how much, exactly.
type Video struct {
	Library string // libavcodec's name, by which the loader finds it
	Stream  int    // its number, as package container counts
	Start   int64  // in samples of each channel
}

// VideoArgs are the arguments for the program to decode by itself: an MP4, open as a file, on its standard input.
func VideoArgs(config encode.Config, video Video) []string {
	return append(Args(config),
		"-libavcodec", video.Library, "-stream", strconv.Itoa(video.Stream), "-start", strconv.FormatInt(video.Start, 10))
}

// Args are the arguments for the program: raw sound on its standard input, frames on its standard output. An exit code is one of
// package encode's.
func Args(config encode.Config) []string {
	f := config.Format
	return []string{
		"-rate", strconv.Itoa(f.Rate), "-channels", strconv.Itoa(f.Channels),
		"-bitrate", strconv.Itoa(f.Bitrate), "-abr", strconv.Itoa(f.ABR), "-vbr", strconv.FormatFloat(f.VBR, 'f', -1, 64),
		"-workers", strconv.Itoa(config.Workers), "-samples", strconv.FormatInt(config.Samples, 10),
	}
}
