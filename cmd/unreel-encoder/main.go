// Command unreel-encoder makes an MP3 of raw sound on all cores: interleaved 32-bit little-endian floats on standard
// input, frames on standard output. It is no command for people: unreel carries it along and starts it, because
// it is linked dynamically to use libmp3lame, and LAME may end the process that it runs in.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"

	"github.com/unreel/unreel/internal/media/encode"
	"github.com/unreel/unreel/internal/media/lame"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		if errors.Is(err, lame.ErrMissing) {
			os.Exit(encode.ExitMissing)
		}
		os.Exit(1)
	}
}

func run() error {
	var config encode.Config
	flag.IntVar(&config.Format.Rate, "rate", 0, "samples a second")
	flag.IntVar(&config.Format.Channels, "channels", 0, "1 or 2")
	flag.IntVar(&config.Format.Bitrate, "bitrate", 0, "kbit/s, constant")
	flag.IntVar(&config.Format.ABR, "abr", 0, "kbit/s, on average")
	flag.Float64Var(&config.Format.VBR, "vbr", 0, "quality of a variable bitrate")
	flag.IntVar(&config.Workers, "workers", 1, "encoders that run at once")
	flag.Int64Var(&config.Samples, "samples", 0, "how many there will be, about")
	flag.Parse()

	// Go's own part of the work is small, and so much is enough for it: more would only be handed around at each call into
	// LAME, which happens outside.
	const share = 8
	runtime.GOMAXPROCS(1 + config.Workers/share)

	library, err := lame.Open()
	if err != nil {
		return err
	}
	config.Open = library.New
	return encode.Run(context.Background(), config, os.Stdin, os.Stdout)
}
