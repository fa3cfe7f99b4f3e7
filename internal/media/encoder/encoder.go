// Package encoder carries the program unreel-encoder inside unreel and makes it ready to start. The two are not one
// program because unreel is linked statically, and libmp3lame can only be opened by one that is not; and because LAME
// may end the process that it runs in.
package encoder

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/unreel/unreel/internal/media/encode"
	"github.com/unreel/unreel/internal/media/sandbox"
)

//go:embed program
var program embed.FS

// ErrMissing says that there is no encoder to start: it was not built in, or libmp3lame is not on this machine.
var ErrMissing = errors.New("the parallel encoder cannot be used")

// Program is the encoder, ready to start.
type Program struct {
	file *os.File
}

// Load puts the program into memory that can be executed, and tries whether it starts in the box and finds libmp3lame. Close gives
// the memory back. An error wraps ErrMissing.
func Load(ctx context.Context, box *sandbox.Box) (*Program, error) {
	file, err := sandbox.InMemory(program, "program/unreel-encoder")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: it was not built in: build with `make build`", ErrMissing)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMissing, err)
	}
	p := &Program{file: file}
	if err := p.try(ctx, box); err != nil {
		p.Close()
		return nil, fmt.Errorf("%w: %w", ErrMissing, err)
	}
	return p, nil
}

// try starts the program without any sound.
func (p *Program) try(ctx context.Context, box *sandbox.Box) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var log bytes.Buffer
	process, err := box.Start(ctx, sandbox.Spec{Program: Name, Image: p.file, Args: []string{"-check"}, Stderr: &log})
	if err != nil {
		return err
	}
	if err := process.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, log.String())
	}
	return nil
}

// Name is what the program finds as its own name.
const Name = "unreel-encoder"

// Image is the program, to be started in a box. It is open for as long as it is not closed.
func (p *Program) Image() *os.File { return p.file }

// Close gives the program's memory back.
func (p *Program) Close() {
	_ = p.file.Close() // it is only in memory
}

// Args are the arguments for the program: raw sound on its standard input, frames on its standard output.
func Args(config encode.Config) []string {
	f := config.Format
	return []string{
		"-rate", strconv.Itoa(f.Rate), "-channels", strconv.Itoa(f.Channels),
		"-bitrate", strconv.Itoa(f.Bitrate), "-abr", strconv.Itoa(f.ABR), "-vbr", strconv.FormatFloat(f.VBR, 'f', -1, 64),
		"-workers", strconv.Itoa(config.Workers), "-samples", strconv.FormatInt(config.Samples, 10),
	}
}
