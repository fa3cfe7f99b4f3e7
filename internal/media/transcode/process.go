package transcode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/unreel/unreel/internal/media/sandbox"
)

var (
	errDeadline = errors.New("it took longer than its length allows")
	errStalled  = errors.New("it made no progress")
	errStart    = errors.New("it cannot be started")
)

// process is one run of a program in the box: of ffmpeg, ffprobe or a helper of our own.
type process struct {
	box      *sandbox.Box
	path     string
	image    *os.File // a helper that is open instead of lying at path, which is then only its name
	args     []string
	reads    []string      // absolute paths of what it may read
	deadline time.Duration // from the start
	stdin    *os.File      // run closes it; nil: nothing
	stdout   *os.File      // likewise; nil: output gets it
	// output consumes standard output; nil discards it.
	output func(io.Reader) error
	// progress gets what -progress pipe:3 says; when that tells of nothing new for stall, the process ends.
	// nil: nothing is watched.
	progress func(report)
	stall    time.Duration
	// closed is told when the program closes file 3; nil: nobody is.
	closed func()
}

// ending is how a process ended.
type ending struct {
	log  *stderr
	exit *exec.ExitError // nil: exit code 0
}

// signal is what ended the process; 0 if it ended by itself.
func (e ending) signal() syscall.Signal {
	if e.exit == nil {
		return 0
	}
	status, ok := e.exit.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return 0
	}
	return status.Signal()
}

// crashed tells whether the process died of a fault of its own, which it will do again.
func (e ending) crashed() bool {
	switch e.signal() {
	case syscall.SIGSEGV, syscall.SIGABRT, syscall.SIGFPE, syscall.SIGILL, syscall.SIGBUS, syscall.SIGSYS, syscall.SIGTRAP:
		return true
	default:
		return false
	}
}

// killed tells whether somebody else, such as the kernel when memory is short, ended the process.
func (e ending) killed() bool {
	return e.exit != nil && !e.exit.Exited() && !e.crashed()
}

// notLoaded is how the dynamic loader ends a program that lacks a library, as while its package is being upgraded. Neither
// ffmpeg nor ffprobe exits so.
const notLoaded = 127

// run starts the process and waits for it and for everything that reads from it. An exit code is no error.
func (p process) run(ctx context.Context) (ending, error) {
	defer p.closeGiven()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ctx, stop := context.WithTimeoutCause(ctx, p.deadline, errDeadline)
	defer stop()

	pipes, err := openPipes()
	if err != nil {
		return ending{}, err
	}
	defer pipes.close()
	end := ending{log: &stderr{}}
	started, err := p.box.Start(ctx, p.spec(pipes, end.log))
	switch {
	case err != nil && ctx.Err() != nil:
		return ending{}, context.Cause(ctx)
	case err != nil:
		return ending{}, fmt.Errorf("%w: %w", errStart, err)
	}
	pipes.closeWriters()
	p.closeGiven()
	var group errgroup.Group
	group.Go(started.Wait)
	var consumed error
	group.Go(func() error {
		consumed = p.consume(pipes.out.read)
		if consumed != nil {
			cancel(consumed)
		}
		return nil
	})
	group.Go(func() error {
		p.watch(pipes.progress.read, cancel)
		return nil
	})
	err = group.Wait()
	return end, p.outcome(ctx, &end, consumed, err)
}

// closeGiven leaves to the process alone what it was given; it may be called again. As long as an end of a pipe is open
// here, each piece that goes through the pipe wakes this process, too: Go watches every pipe that it has open.
func (p process) closeGiven() {
	for _, file := range []*os.File{p.stdin, p.stdout} {
		if file != nil {
			_ = file.Close() // nothing of ours was in it
		}
	}
}

// outcome sorts out why the process ended: the first cause counts, not what followed from it.
func (p process) outcome(ctx context.Context, end *ending, consumed, waited error) error {
	switch {
	case errors.As(waited, &end.exit) && end.crashed() && errors.Is(context.Cause(ctx), consumed):
		return nil // what was consumed broke off there
	case consumed != nil:
		return context.Cause(ctx) // what was consumed may have been cut off by another cause
	case errors.As(waited, &end.exit):
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if end.signal() == syscall.SIGXCPU {
			return errDeadline
		}
		if end.exit.ExitCode() == notLoaded {
			return fmt.Errorf("%s: %w: %s", p.path, errStart, strings.Join(end.log.summary, "; "))
		}
		return nil
	case waited != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(waited, new(*sandbox.LaunchError)):
		return fmt.Errorf("%w: %w", errStart, waited)
	case waited != nil:
		return fmt.Errorf("run %s: %w", p.path, waited)
	default:
		return nil
	}
}

func (p process) spec(pipes *pipes, log io.Writer) sandbox.Spec {
	spec := sandbox.Spec{
		Program: p.path, Image: p.image, Args: p.args, Read: p.reads,
		Stdout: pipes.out.write, Stderr: log,
		Files:  []*os.File{pipes.progress.write}, // becomes 3
		Limits: p.limits(),
	}
	if p.stdin != nil {
		spec.Stdin = p.stdin // a nil *os.File is no nil io.Reader
	}
	if p.stdout != nil {
		spec.Stdout = p.stdout
	}
	return spec
}

// limits is what hostile media may use up. ffmpeg 7 needs 500 MiB of addresses to start and -threads 1 to stay
// near that; a helper in Go takes gigabytes of addresses and is held by the memory that it writes to.
func (p process) limits() sandbox.Limits {
	if p.image != nil {
		return sandbox.Limits{Data: 2 << 30, CPU: p.deadline * time.Duration(runtime.GOMAXPROCS(0))}
	}
	return sandbox.Limits{AddressSpace: 1 << 30, CPU: p.deadline}
}

func (p process) consume(out io.Reader) error {
	if p.output == nil {
		_, err := io.Copy(io.Discard, out)
		return err
	}
	return p.output(out)
}

// watch passes reports on, and ends the process when they stop telling of progress.
func (p process) watch(from io.Reader, cancel context.CancelCauseFunc) {
	if p.closed != nil {
		_, _ = io.Copy(io.Discard, from)
		p.closed()
	}
	if p.progress == nil {
		return
	}
	timer := time.AfterFunc(p.stall, func() { cancel(errStalled) })
	defer timer.Stop()
	var last report
	readReports(from, func(now report) {
		if now.moved(last) {
			timer.Reset(p.stall)
		}
		last = now
		p.progress(now)
	})
}
