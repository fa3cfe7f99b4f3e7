package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Server is one server process, which can be killed, paused and started again on the same port and data.
type Server struct {
	name  string
	dir   string // holds its data and its log, and goes when it is closed
	argv  []string
	env   []string
	ready func(context.Context) error // returns nil as soon as it serves

	mu      sync.Mutex
	process *process
}

// Kill ends the server at once, as kill -9 does, and returns when it is dead.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	s.kill()
}

// Restart kills the server if it still runs, starts it on what it has stored, and returns when it serves again.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.kill()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.start(ctx); err != nil {
		t.Fatal(err)
	}
}

// Pause stops the server as SIGSTOP does, and returns when it has stopped: its connections stay open, and
// nothing answers.
func (s *Server) Pause(t testing.TB) {
	t.Helper()
	s.running(t, (*process).pause)
}

// Continue ends a Pause.
func (s *Server) Continue(t testing.TB) {
	t.Helper()
	s.running(t, (*process).resume)
}

// running does something to the process, which must be there.
func (s *Server) running(t testing.TB, do func(*process) error) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		t.Fatalf("%s is not running", s.name)
	}
	if err := do(s.process); err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
}

func (s *Server) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		s.process.kill()
		s.process = nil
	}
}

// start starts the process and waits until it serves.
func (s *Server) start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	process, err := launch(s.dir, s.argv, s.env)
	if err != nil {
		return fmt.Errorf("start %s: %w", s.name, err)
	}
	if err := process.await(ctx, s.ready); err != nil {
		process.kill()
		return fmt.Errorf("start %s: %w; its log ends with\n%s", s.name, err, s.tail())
	}
	s.process = process
	return nil
}

// close ends the server and removes what it stored.
func (s *Server) close() error {
	s.kill()
	return os.RemoveAll(s.dir)
}

// tail returns the end of the server's log, for a message.
func (s *Server) tail() string {
	const most = 4 << 10
	log, err := os.ReadFile(filepath.Join(s.dir, logName))
	if err != nil {
		return err.Error()
	}
	return strings.ToValidUTF8(string(log[max(0, len(log)-most):]), "?")
}

// logName is the file in a server's directory that takes what it prints.
const logName = "log"

// process is a child that dies with this process.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

func launch(dir string, argv, env []string) (*process, error) {
	log, err := os.OpenFile(filepath.Join(dir, logName), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = attributes()
	p := &process{cmd: cmd, ended: make(chan struct{})}
	started := make(chan error)
	go p.watch(started)
	return p, <-started
}

// watch starts the child and waits for its end, all on one thread that nobody else uses: the child is to die
// with its parent, and to the kernel that is the thread that forked it.
func (p *process) watch(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.ended)
	if err := p.cmd.Start(); err != nil {
		started <- err
		return
	}
	started <- nil
	_ = p.cmd.Wait() // that it was killed is how it ends
}

// signal goes to the child and to what it started.
func (p *process) signal(signal syscall.Signal) error {
	return syscall.Kill(-p.cmd.Process.Pid, signal)
}

func (p *process) pause() error {
	if err := p.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	return awaitStop(p.cmd.Process.Pid)
}

func (p *process) resume() error {
	return p.signal(syscall.SIGCONT)
}

func (p *process) kill() {
	select {
	case <-p.ended:
	default:
		_ = p.signal(syscall.SIGKILL)
		<-p.ended
	}
}

// await asks until the answer is nil, the process has ended or the context is done.
func (p *process) await(ctx context.Context, ready func(context.Context) error) error {
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return errors.New("it ended at once")
		case <-ctx.Done():
			return fmt.Errorf("it does not serve: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
