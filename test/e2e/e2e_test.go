// Package e2e drives the built binary from outside, as its users do: over HTTP, by the mails it writes and with
// kill -9.
package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is for what takes a moment on a busy machine.
const patience = 2 * time.Minute

// binary is the path of bin/unreel, built for these tests.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "unreel-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "unreel")
		build := exec.Command("go", "build", "-o", binary, "github.com/unreel/unreel/cmd/unreel")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if output, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build: %v\n%s", err, output)
			return 1
		}
		return m.Run()
	}())
}

// system is an `unreel all` on a data folder and free ports of its own.
type system struct {
	data  string
	url   string
	admin string
	env   []string

	command *exec.Cmd
	log     *lockedBuffer
}

// start runs a system until the test ends; the settings are like "UNREEL_MAX_UPLOAD=1MB".
func start(t *testing.T, settings ...string) *system {
	t.Helper()
	s := &system{data: t.TempDir()}
	public, admin := freePort(t), freePort(t)
	s.url, s.admin = "http://"+public, "http://"+admin
	s.env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(),
		"UNREEL_DATA=" + s.data, "UNREEL_ADDR=" + public, "UNREEL_ADMIN_ADDR=" + admin,
		"UNREEL_PUBLIC_URL=" + s.url,
	}, settings...)
	s.run(t)
	t.Cleanup(func() {
		if s.command != nil {
			s.stop(t)
		}
		if t.Failed() {
			t.Logf("log:\n%s", s.log.String())
		}
	})
	return s
}

// run starts the process and waits until it is ready.
func (s *system) run(t *testing.T) {
	t.Helper()
	s.log = &lockedBuffer{}
	s.command = exec.Command(binary, "all")
	s.command.Env = s.env
	s.command.Stdout, s.command.Stderr = s.log, s.log
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the service to be ready", func() error {
		response, err := http.Get(s.admin + "/readyz")
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

// kill ends the process as a power cut would.
func (s *system) kill(t *testing.T) {
	t.Helper()
	if err := s.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = s.command.Wait() // says only that it was killed
	s.command = nil
}

// stop asks the process to end, and wants it to do so in good order.
func (s *system) stop(t *testing.T) {
	t.Helper()
	command := s.command
	s.command = nil
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if err := command.Wait(); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// lockedBuffer takes a process's output while a test may read it.
type lockedBuffer struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.String()
}

func freePort(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// eventually waits until a condition holds, which it does when check returns nil.
func eventually(t *testing.T, what string, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("waited %v for %s: %v", patience, what, err)
		case <-ticker.C:
		}
	}
}

// mails returns the mails that name an id, as they lie in the folder.
func (s *system) mails(t *testing.T, id string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(s.data, "mail", "*.eml"))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(raw), id) {
			found = append(found, string(raw))
		}
	}
	return found
}

// mail waits for the one mail that names an id.
func (s *system) mail(t *testing.T, id string) string {
	t.Helper()
	var mails []string
	eventually(t, "a mail about "+id, func() error {
		if mails = s.mails(t, id); len(mails) != 1 {
			return fmt.Errorf("%d mails", len(mails))
		}
		return nil
	})
	return mails[0]
}

// blobs returns how many files of the store there are.
func (s *system) blobs(t *testing.T) int {
	t.Helper()
	count := 0
	err := filepath.WalkDir(filepath.Join(s.data, "blobs"), func(_ string, entry os.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			count++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return count
}
