package harness

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/media/sandbox"
	"github.com/unreel/unreel/internal/telemetry/logtest"
)

// Process is one run of the program after another, with the same settings.
type Process struct {
	Admin string // URL of /readyz and the like

	program string
	command string
	env     []string
	running *exec.Cmd // nil while it does not run
	log     logtest.Buffer
}

// Launch runs a command of the program until the test ends. The settings are like "UNREEL_MAX_UPLOAD=1MB"; nothing
// else is in its environment, but what a launcher needs to find Docker.
func Launch(t testing.TB, command string, settings ...string) *Process {
	t.Helper()
	p := Prepare(t, binary, command, settings...)
	p.Start(t)
	return p
}

// Prepare is Launch of any build of the program, without the first Start.
func Prepare(t testing.TB, program, command string, settings ...string) *Process {
	t.Helper()
	admin := FreePort(t)
	p := &Process{program: program, command: command, Admin: "http://" + admin}
	p.env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TMPDIR=" + t.TempDir(), "UNREEL_ADMIN_ADDR=" + admin,
		"UNREEL_SANDBOX=" + string(sandboxMode(t)),
	}, settings...)
	p.env = append(p.env, launcherEnv()...)
	t.Cleanup(func() {
		if p.running != nil {
			p.Stop(t)
		}
		if t.Failed() {
			t.Logf("log of %s:\n%s", command, tail(p.log.String()))
		}
	})
	return p
}

// sandboxMode is required, but on a machine that cannot close the box: everything else is to be tested there, too.
func sandboxMode(t testing.TB) sandbox.Mode {
	t.Helper()
	if _, err := sandbox.New(sandbox.Required); err != nil {
		t.Logf("ffmpeg runs without its whole box: %v", err)
		return sandbox.BestEffort
	}
	return sandbox.Required
}

// Start runs the command again after Kill or Stop. More settings than at the Launch are for this run.
func (p *Process) Start(t testing.TB, settings ...string) {
	t.Helper()
	running := exec.Command(p.program, p.command)
	running.Env = slices.Concat(p.env, settings)
	running.Stdout, running.Stderr = &p.log, &p.log
	// A test that is killed must not leave it behind.
	running.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := running.Start(); err != nil {
		t.Fatal(err)
	}
	p.running = running
}

// Ready waits until the process says that it can do its work.
func (p *Process) Ready(t testing.TB) {
	t.Helper()
	Eventually(t, p.command+" to be ready", func() error {
		response, err := http.Get(p.Admin + "/readyz")
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			body, err := io.ReadAll(response.Body)
			return fmt.Errorf("%d: %s, %w", response.StatusCode, body, err)
		}
		return nil
	})
}

// Kill ends the process as a power cut would.
func (p *Process) Kill(t testing.TB) {
	t.Helper()
	if err := p.running.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.running.Wait() // says only that it was killed
	p.running = nil
}

// Died waits until the process has ended by itself, and returns how.
func (p *Process) Died(t testing.TB, patience time.Duration) syscall.WaitStatus {
	t.Helper()
	running := p.running
	p.running = nil
	timeout := time.AfterFunc(patience, func() {
		t.Errorf("%s still runs after %v", p.command, patience)
		_ = running.Process.Kill()
	})
	defer timeout.Stop()
	_ = running.Wait() // the status says more
	status, _ := running.ProcessState.Sys().(syscall.WaitStatus)
	return status
}

// Stop asks the process to end, and wants it to do so in good order.
func (p *Process) Stop(t testing.TB) {
	t.Helper()
	if err := p.running.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if status := p.Died(t, patience); status != 0 {
		t.Errorf("stop of %s: exit status %d, signal %d", p.command, status.ExitStatus(), status.Signal())
	}
}

// Exchange ends this run in good order and starts another build of the program in its place, with the same settings. It
// returns when that one is ready.
func (p *Process) Exchange(t testing.TB, program string) {
	t.Helper()
	p.Stop(t)
	p.program = program
	p.Start(t)
	p.Ready(t)
}

// Pause stops the process's clock, and Continue lets it go on.
func (p *Process) Pause(t testing.TB) { p.signal(t, syscall.SIGSTOP) }

// Continue ends a Pause.
func (p *Process) Continue(t testing.TB) { p.signal(t, syscall.SIGCONT) }

func (p *Process) signal(t testing.TB, signal syscall.Signal) {
	t.Helper()
	if err := p.running.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
}

// Name is the command that the process runs.
func (p *Process) Name() string { return p.command }

// Pid is the process's id while it runs.
func (p *Process) Pid() int { return p.running.Process.Pid }

// Env is the process's environment.
func (p *Process) Env() []string { return p.env }

// Log is what the process has written, in all of its runs.
func (p *Process) Log() string { return p.log.String() }

// PeakMemory is the most memory that this run of the process has had, in bytes.
func (p *Process) PeakMemory(t testing.TB) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if match == nil {
		t.Fatalf("no VmHWM in %s", status)
	}
	peak, err := strconv.Atoi(string(match[1]))
	if err != nil {
		t.Fatal(err)
	}
	return peak << 10
}

// shownLog is how much of a log a failed test shows, in bytes.
const shownLog = 6_000

func tail(text string) string {
	return text[max(0, len(text)-shownLog):]
}
