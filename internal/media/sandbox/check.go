package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/unreel/unreel/internal/media/sandbox/launcher"
)

// checkTime is how long the probe may take; it needs some milliseconds.
const checkTime = 30 * time.Second

// ErrFolder says that Check could not make the files that the probe is to leave alone.
var ErrFolder = errors.New("TMPDIR is no folder that can be written to")

// EscapeError says that a program got out of a box that should have held it.
type EscapeError struct {
	Ways []string // what it could do, in the words of the probe
}

// Error names the ways.
func (e *EscapeError) Error() string {
	return "a program in the box could " + strings.Join(e.Ways, ", ")
}

// Check starts a probe in the box, which tries to get out. An *EscapeError says what it could do: that is to be
// expected where something is Missing, and nowhere else. Without a temporary folder the error wraps ErrFolder.
func (b *Box) Check(ctx context.Context) error {
	if !launcher.Supported {
		return nil // Missing says it all
	}
	ctx, stop := context.WithTimeout(ctx, checkTime)
	defer stop()
	folder, err := os.MkdirTemp("", "unreel-probe-")
	if err != nil {
		return fmt.Errorf("check the box: %w: %w", ErrFolder, err)
	}
	defer func() { _ = os.RemoveAll(folder) }() // a folder too many is no reason to fail
	file := filepath.Join(folder, "private")
	if err := os.WriteFile(file, []byte("nobody's business"), 0o700); err != nil { //nolint:gosec // executing it must be forbidden by the box, not by this
		return fmt.Errorf("check the box: %w: %w", ErrFolder, err)
	}
	err = b.probe(ctx, file, filepath.Join(folder, "new"))
	for b.giveUp(err) {
		err = b.probe(ctx, file, filepath.Join(folder, "new"))
	}
	if err != nil {
		return fmt.Errorf("check the box: %w", err)
	}
	return nil
}

// giveUp goes without a part that the kernel has but does not let this process use, as some container runtimes
// arrange it. It tells whether that may help.
func (b *Box) giveUp(err error) bool {
	refused, ok := errors.AsType[*LaunchError](err)
	if !ok || b.required {
		return false
	}
	switch {
	case strings.Contains(refused.Reason, "Landlock"):
		return b.without(true)
	case strings.Contains(refused.Reason, "system calls"):
		return b.without(false)
	default:
		return false
	}
}

// probe runs the probe, which is this program under another name.
func (b *Box) probe(ctx context.Context, file, unmade string) error {
	image, err := os.Open(b.launcherPath())
	if err != nil {
		return err
	}
	defer image.Close()
	var out bytes.Buffer
	process, err := b.Start(ctx, Spec{
		Program: launcher.ProbeName, Image: image, Stdout: &out,
		Args: []string{file, unmade, strconv.Itoa(os.Getpid())},
	})
	if err != nil {
		return err
	}
	err = process.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == launcher.Escaped {
		return &EscapeError{Ways: strings.Split(strings.TrimSpace(out.String()), "\n")}
	}
	return err
}
