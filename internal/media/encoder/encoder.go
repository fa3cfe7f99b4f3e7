// Package encoder carries the program unreel-encoder inside unreel and makes it ready to start. The two are not one
// program because unreel is linked statically, and libmp3lame can only be opened by one that is not; and because LAME
// may end the process that it runs in.
package encoder

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/unreel/unreel/internal/media/encode"
)

//go:embed program
var program embed.FS

// ErrMissing says that there is no encoder to start: it was not built in, or libmp3lame is not on this machine.
var ErrMissing = errors.New("the parallel encoder cannot be used")

// Program is the encoder, ready to start.
type Program struct {
	file *os.File
}

// Load puts the program into memory that can be executed, and tries whether it starts and finds libmp3lame. Close gives
// the memory back. An error wraps ErrMissing.
func Load(ctx context.Context) (*Program, error) {
	content, err := program.ReadFile("program/unreel-encoder")
	if err != nil {
		return nil, fmt.Errorf("%w: it was not built in: build with `make build`", ErrMissing)
	}
	file, err := memory()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMissing, err)
	}
	p := &Program{file: file}
	if _, err = file.Write(content); err == nil {
		err = p.try(ctx)
	}
	if err != nil {
		p.Close()
		return nil, fmt.Errorf("%w: %w", ErrMissing, err)
	}
	return p, nil
}

// try starts the program without any sound.
func (p *Program) try(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, p.Path(), "-check")
	command.Env = []string{}
	if log, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, log)
	}
	return nil
}

// Path names the program for as long as it is not closed.
func (p *Program) Path() string {
	return "/proc/self/fd/" + strconv.Itoa(int(p.file.Fd()))
}

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
