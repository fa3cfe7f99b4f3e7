package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/unreel/unreel/internal/media/avcodec"
	"github.com/unreel/unreel/internal/media/container"
	"github.com/unreel/unreel/internal/media/encode"
)

// video says what of an MP4 is wanted.
type video struct {
	library string // that decodes it
	stream  int
	start   int64 // in samples of each channel
}

// errNotPlain says that the file is not what it was taken for.
var errNotPlain = errors.New("this MP4 is not plain enough")

// warmUp is how many seconds before the start decoding begins, so that the decoder gives what it would have given after all
// that came before.
const warmUp = 10

// open returns the sound.
func (v video) open(file *os.File, config encode.Config) (io.Reader, error) {
	stream, err := v.find(file)
	if err != nil {
		return nil, err
	}
	frames := stream.Frames
	if stream.Rate != config.Format.Rate || stream.Channels != config.Format.Channels {
		return nil, fmt.Errorf("%w: it has %d Hz and %d channels", errNotPlain, stream.Rate, stream.Channels)
	}
	library, err := avcodec.Open(v.library)
	if err != nil {
		return nil, err
	}
	decoder, err := library.NewAAC(frames.Config, stream.Channels)
	if err != nil {
		return nil, err
	}
	skip := frames.Skip + v.start
	first := max(0, skip-warmUp*int64(stream.Rate)) / frames.Samples
	reader, err := frames.Open(file, first)
	if err != nil {
		return nil, err
	}
	sound := avcodec.NewReader(reader.Next, decoder, skip-first*frames.Samples, config.Samples)
	return &told{sound, os.NewFile(3, "decoded")}, nil
}

// told closes a file when all has been decoded: to whoever has started the program, that is news.
type told struct {
	io.Reader
	file *os.File
}

func (t *told) Read(p []byte) (int, error) {
	n, err := t.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		_ = t.file.Close() // nothing was written
	}
	return n, err
}

func (v video) find(file *os.File) (container.Stream, error) {
	info, err := file.Stat()
	if err != nil {
		return container.Stream{}, err
	}
	known, ok := container.Read(file, info.Size())
	if !ok || v.stream < 0 || v.stream >= len(known.Streams) || known.Streams[v.stream].Frames == nil {
		return container.Stream{}, errNotPlain
	}
	return known.Streams[v.stream], nil
}
