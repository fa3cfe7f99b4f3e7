// Command unreel-encoder makes an MP3 on all cores: of raw sound on standard input, interleaved 32-bit little-endian floats, or
// of a plain MP4 there, which it decodes itself. The frames go to standard output. It is no command for people: unreel
// carries it along and starts it, because it is linked dynamically to use libmp3lame and libavcodec, and LAME may end
// the process that it runs in.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/unreel/unreel/internal/media/avcodec"
	"github.com/unreel/unreel/internal/media/container"
	"github.com/unreel/unreel/internal/media/encode"
	"github.com/unreel/unreel/internal/media/lame"
)

func main() {
	err := run()
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, err)
	switch {
	case errors.Is(err, lame.ErrMissing):
		os.Exit(encode.ExitMissing)
	case errors.Is(err, avcodec.ErrMissing):
		os.Exit(encode.ExitNoDecoder)
	case errors.Is(err, avcodec.ErrDecode), errors.Is(err, container.ErrFrames), errors.Is(err, errNotPlain):
		os.Exit(encode.ExitUndecoded)
	default:
		os.Exit(1)
	}
}

func run() error {
	var (
		config encode.Config
		video  video
	)
	flag.IntVar(&config.Format.Rate, "rate", 0, "samples a second")
	flag.IntVar(&config.Format.Channels, "channels", 0, "1 or 2")
	flag.IntVar(&config.Format.Bitrate, "bitrate", 0, "kbit/s, constant")
	flag.IntVar(&config.Format.ABR, "abr", 0, "kbit/s, on average")
	flag.Float64Var(&config.Format.VBR, "vbr", 0, "quality of a variable bitrate")
	flag.IntVar(&config.Workers, "workers", 1, "encoders that run at once")
	flag.Int64Var(&config.Samples, "samples", 0, "how many there will be: about, or of an MP4 exactly")
	flag.StringVar(&video.library, "libavcodec", "", "name of the library that decodes an MP4; without it the input is raw sound")
	flag.IntVar(&video.stream, "stream", 0, "number of the MP4's stream")
	flag.Int64Var(&video.start, "start", 0, "first sample of it that is wanted")
	flag.Parse()

	// A worker that comes back from LAME goes on at once if the processor that Go had given it is still there. It is, as
	// long as others are free: then nobody takes away one whose worker is outside.
	const free = 2
	runtime.GOMAXPROCS(config.Workers + free)

	library, err := lame.Open()
	if err != nil {
		return err
	}
	config.Open = library.New
	sound := io.Reader(os.Stdin)
	if video.library != "" {
		if sound, err = video.open(os.Stdin, config); err != nil {
			return err
		}
	}
	return encode.Run(context.Background(), config, sound, os.Stdout)
}
