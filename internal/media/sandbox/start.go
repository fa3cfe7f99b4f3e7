package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/unreel/unreel/internal/media/sandbox/launcher"
)

// Spec is a program to start and what it is given.
type Spec struct {
	Program string   // absolute path; with Image, only its name
	Image   *os.File // the program, open for reading, such as a memfd; nil: it is at Program
	Args    []string // without the name
	Read    []string // absolute paths of files, and of folders with all that is in them, that it may read

	Stdin  io.Reader // nil: none. Only an *os.File is passed on as it is; for any other, a pipe is filled
	Stdout io.Writer // nil: discarded
	Stderr io.Writer // nil: discarded
	Files  []*os.File
	Limits Limits
}

// Limits is what a program may use. A limit of 0 leaves what this process has. Files cannot be written at all.
type Limits struct {
	AddressSpace int64         // bytes; a program in Go needs gigabytes of it without using them
	Data         int64         // bytes of private memory that can be written
	CPU          time.Duration // of all threads together, rounded up to seconds; then it gets SIGXCPU
	OpenFiles    int           // 0: 64
}

// defaultOpenFiles is enough for the loader, which opens one library at a time, and for what is given.
const defaultOpenFiles = 64

// Process is a program in the box.
type Process struct {
	name   string
	cmd    *exec.Cmd
	ended  chan struct{}
	err    error // once ended
	stderr *beginning
}

// Start starts a program. It is killed, with all that it might have started, when the context ends, when
// this process ends, or by a limit.
func (b *Box) Start(ctx context.Context, spec Spec) (*Process, error) {
	p, err := b.start(ctx, spec)
	if errors.Is(err, fs.ErrPermission) && b.startItself() {
		return b.start(ctx, spec)
	}
	return p, err
}

func (b *Box) start(ctx context.Context, spec Spec) (*Process, error) {
	p := &Process{name: spec.Program, ended: make(chan struct{}), stderr: &beginning{next: spec.Stderr}}
	var err error
	if p.cmd, err = b.command(ctx, spec); err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Program, err)
	}
	p.cmd.Stderr = p.stderr
	started := make(chan error, 1)
	go p.live(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Program, err)
	}
	return p, nil
}

// live keeps its thread to itself: the kernel sends a child its parent's death signal when the thread that started
// it ends (https://go.dev/issue/27505), not when the process does.
func (p *Process) live(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.ended)
	err := p.cmd.Start()
	started <- err
	if err == nil {
		p.err = p.cmd.Wait()
	}
}

// Wait waits until the process has ended. The error is an *exec.ExitError where it ended otherwise than
// well, and a *LaunchError where it never was in the box.
func (p *Process) Wait() error {
	<-p.ended
	if state := p.cmd.ProcessState; state != nil && state.ExitCode() == launcher.Failed {
		if reason, ok := strings.CutPrefix(p.stderr.String(), launcher.Name+": "); ok {
			return &LaunchError{Program: p.name, Reason: readable(reason)}
		}
	}
	return p.err
}

// PID is the process's number.
func (p *Process) PID() int {
	return p.cmd.Process.Pid
}

func (b *Box) command(ctx context.Context, spec Spec) (*exec.Cmd, error) {
	if !launcher.Supported {
		return b.plainCommand(ctx, spec)
	}
	args, err := b.launch(spec)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, b.launcherPath())
	cmd.Args = args
	cmd.Env = []string{"GOMAXPROCS=1", "GOGC=off"} // of the launcher, which starts no threads by that; the program gets none
	cmd.ExtraFiles = spec.Files
	if spec.Image != nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles[:len(spec.Files):len(spec.Files)], spec.Image)
	}
	return prepare(cmd, spec), nil
}

// plainCommand is for systems that have no box.
func (b *Box) plainCommand(ctx context.Context, spec Spec) (*exec.Cmd, error) {
	if spec.Image != nil || b.required {
		return nil, ErrIncomplete
	}
	cmd := exec.CommandContext(ctx, spec.Program, spec.Args...)
	cmd.Env = []string{}
	cmd.ExtraFiles = spec.Files
	return prepare(cmd, spec), nil
}

func prepare(cmd *exec.Cmd, spec Spec) *exec.Cmd {
	cmd.Dir = "/"
	cmd.Stdin, cmd.Stdout = spec.Stdin, spec.Stdout
	cmd.SysProcAttr = ownGroup()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// launch returns the launcher's arguments.
func (b *Box) launch(spec Spec) ([]string, error) {
	found, path, err := b.find(spec)
	if err != nil {
		return nil, err
	}
	reads := slices.Concat(found.libraries, spec.Read)
	var executes []string
	if path != "" {
		executes = append(executes, path)
	}
	if found.interpreter != "" {
		executes = append(executes, found.interpreter)
	}
	plan := b.plan()
	plan.AddressSpace, plan.Data = positive(spec.Limits.AddressSpace), positive(spec.Limits.Data)
	plan.CPU = positive(int64((spec.Limits.CPU + time.Second - 1) / time.Second))
	plan.OpenFiles = defaultOpenFiles
	if spec.Limits.OpenFiles > 0 {
		plan.OpenFiles = uint64(spec.Limits.OpenFiles)
	}
	plan.Files = 3 + uint64(len(spec.Files))
	if spec.Image != nil {
		plan.Image = 1
	}
	plan.Reads, plan.Executes = uint64(len(reads)), uint64(len(executes))
	args := append([]string{launcher.Name, write(plan)}, reads...)
	args = append(append(args, executes...), path, spec.Program)
	return append(args, spec.Args...), nil
}

// find returns what the program needs, and its path; empty if it is open.
func (b *Box) find(spec Spec) (program, string, error) {
	for _, path := range spec.Read {
		if !filepath.IsAbs(path) {
			return program{}, "", fmt.Errorf("path to read: %s is not absolute", path)
		}
	}
	if spec.Image != nil {
		found, err := inspect(spec.Image, "/")
		return found, "", err
	}
	found, err := b.inspect(spec.Program)
	return found, spec.Program, err
}

func write(plan launcher.Plan) string {
	fields := plan.Fields()
	words := make([]string, len(fields))
	for i, field := range fields {
		words[i] = strconv.FormatUint(*field, 10)
	}
	return strings.Join(words, ",")
}

func positive(n int64) uint64 {
	return uint64(max(n, 0))
}
