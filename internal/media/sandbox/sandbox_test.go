//go:build linux && (amd64 || arm64)

package sandbox_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/unreel/unreel/internal/media/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a program in a whole box and returns what it wrote and how it ended.
func start(t *testing.T, spec sandbox.Spec) (stdout, stderr string, err error) {
	t.Helper()
	var out, log bytes.Buffer
	spec.Stdout, spec.Stderr = &out, &log
	process, err := whole(t).Start(t.Context(), spec)
	if err != nil {
		return "", "", err
	}
	err = process.Wait()
	return out.String(), log.String(), err
}

func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCheck(t *testing.T) {
	if err := whole(t).Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestModes(t *testing.T) {
	for mode, good := range map[sandbox.Mode]bool{sandbox.BestEffort: true, "": false, "off": false, "Required": false} {
		if _, err := sandbox.New(mode); (err == nil) != good {
			t.Errorf("%q: %v", mode, err)
		}
	}
	if _, err := sandbox.New(sandbox.Required); err != nil && !errors.Is(err, sandbox.ErrIncomplete) {
		t.Error(err)
	}
}

func TestReadsWhatItIsGiven(t *testing.T) {
	folder := t.TempDir()
	given, other := filepath.Join(folder, "given"), filepath.Join(folder, "other")
	for _, path := range []string{given, other} {
		if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, log, err := start(t, sandbox.Spec{Program: program(t, "cat"), Args: []string{given}, Read: []string{given}})
	if out != "text" || err != nil {
		t.Errorf("given: %q, %q, %v", out, log, err)
	}
	out, log, err = start(t, sandbox.Spec{Program: program(t, "cat"), Args: []string{other}, Read: []string{given}})
	if out != "" || err == nil || !strings.Contains(log, "ermission denied") {
		t.Errorf("other: %q, %q, %v", out, log, err)
	}
	out, _, err = start(t, sandbox.Spec{Program: program(t, "cat"), Args: []string{other}, Read: []string{folder}})
	if out != "text" || err != nil {
		t.Errorf("folder: %q, %v", out, err)
	}
}

func TestPipesAndOpenPrograms(t *testing.T) {
	image, err := os.Open(program(t, "cat"))
	if err != nil {
		t.Fatal(err)
	}
	defer image.Close()
	out, log, err := start(t, sandbox.Spec{Program: "cat", Image: image, Stdin: strings.NewReader("through")})
	if out != "through" || err != nil {
		t.Errorf("%q, %q, %v", out, log, err)
	}
}

// TestStandsBack asks the kernel about a program that has begun its work.
func TestStandsBack(t *testing.T) {
	stdin, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, stdout, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = stdin.Close(), out.Close() }()
	process, err := whole(t).Start(t.Context(), sandbox.Spec{Program: program(t, "cat"), Stdin: stdin, Stdout: stdout, Stderr: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	_ = stdout.Close()
	if _, err := in.WriteString("x"); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadFull(out, make([]byte, 1)); err != nil {
		t.Error(err)
	}
	attributes, err := unix.SchedGetAttr(process.PID(), 0)
	if err != nil || attributes.Policy != unix.SCHED_BATCH {
		t.Errorf("its policy is %+v: %v", attributes, err)
	}
	_ = in.Close()
	if err := process.Wait(); err != nil {
		t.Error(err)
	}
}

func TestLaunchErrors(t *testing.T) {
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, spec := range map[string]sandbox.Spec{
		"script":   {Program: script},
		"missing":  {Program: script + ".gone"},
		"relative": {Program: program(t, "true"), Read: []string{"x"}},
	} {
		if _, _, err := start(t, spec); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	_, _, err := start(t, sandbox.Spec{Program: program(t, "true"), Read: []string{script + ".gone"}})
	if refused, ok := errors.AsType[*sandbox.LaunchError](err); !ok || !strings.Contains(refused.Error(), "no such file") {
		t.Errorf("path that is gone: %v", err)
	}
}

func TestLimits(t *testing.T) {
	_, log, err := start(t, sandbox.Spec{
		Program: program(t, "dd"), Args: []string{"bs=2G", "count=1"}, Stdin: strings.NewReader("x"),
		Limits: sandbox.Limits{AddressSpace: 1 << 30},
	})
	if err == nil || !strings.Contains(log, "memory exhausted") {
		t.Errorf("address space: %v, %q", err, log)
	}
	_, _, err = start(t, sandbox.Spec{Program: build(t, "spin"), Limits: sandbox.Limits{CPU: time.Second}})
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		t.Fatal(err)
	}
	if status, _ := exit.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGXCPU && status.Signal() != syscall.SIGKILL {
		t.Errorf("CPU: %v", err)
	}
}

// TestEveryStartSucceeds starts many at once: the launcher's runtime has more address space than the program may
// have, and must not need any more once the limit is set.
func TestEveryStartSucceeds(t *testing.T) {
	box := whole(t)
	path := program(t, "true")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 20 {
				process, err := box.Start(t.Context(), sandbox.Spec{Program: path, Limits: sandbox.Limits{AddressSpace: 64 << 20}})
				if err == nil {
					err = process.Wait()
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}
