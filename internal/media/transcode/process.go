package transcode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

var (
	errDeadline = errors.New("it took longer than its length allows")
	errStalled  = errors.New("it made no progress")
)

// process is one run of ffmpeg or ffprobe.
type process struct {
	path     string
	args     []string
	deadline time.Duration // from the start
	stdin    *os.File      // nil: nothing
	stdout   *os.File      // nil: output gets it
	// output consumes standard output; nil discards it.
	output func(io.Reader) error
	// progress gets what -progress pipe:3 says; when that tells of nothing new for stall, the process ends.
	// nil: nothing is watched.
	progress func(report)
	stall    time.Duration
}

// ending is how a process ended.
type ending struct {
	log  *stderr
	exit *exec.ExitError // nil: exit code 0
}

// crashed tells whether the process died of a fault of its own, which it will do again.
func (e ending) crashed() bool {
	if e.exit == nil {
		return false
	}
	status, ok := e.exit.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return false
	}
	switch status.Signal() {
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

// run starts the process and waits for it and for everything that reads from it. An exit code is no error.
func (p process) run(ctx context.Context) (ending, error) {
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
	cmd := p.command(ctx, pipes, end.log)

	var group errgroup.Group
	started := make(chan error, 1)
	group.Go(func() error { return startAndWait(cmd, started) })
	if err := <-started; err != nil {
		return ending{}, fmt.Errorf("start %s: %w", p.path, err)
	}
	pipes.closeWriters()
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

// outcome sorts out why the process ended: the first cause counts, not what followed from it.
func (p process) outcome(ctx context.Context, end *ending, consumed, waited error) error {
	switch {
	case consumed != nil:
		return consumed
	case errors.As(waited, &end.exit):
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return nil
	case waited != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case waited != nil:
		return fmt.Errorf("wait for %s: %w", p.path, waited)
	default:
		return nil
	}
}

func (p process) command(ctx context.Context, pipes *pipes, log io.Writer) *exec.Cmd {
	cmd := exec.CommandContext(ctx, p.path, p.args...)
	cmd.Env = []string{} // nothing of ours is any of ffmpeg's business
	cmd.Dir = "/"
	cmd.Stdout = pipes.out.write
	if p.stdout != nil {
		cmd.Stdout = p.stdout
	}
	if p.stdin != nil {
		cmd.Stdin = p.stdin
	}
	cmd.Stderr = log
	cmd.ExtraFiles = []*os.File{pipes.progress.write} // becomes 3
	cmd.SysProcAttr = ownGroup()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// startAndWait keeps its thread to itself: the kernel sends a child its parent's death signal when the
// thread that started it ends (https://go.dev/issue/27505), not when the process does.
func startAndWait(cmd *exec.Cmd, started chan<- error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Start()
	started <- err
	if err != nil {
		return err
	}
	return cmd.Wait()
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
