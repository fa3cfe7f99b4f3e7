package e2e_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/unreel/unreel/test/harness"
)

// TestSignalsLeaveNothing ends conversions as a person, a system and a terminal that is closed do.
func TestSignalsLeaveNothing(t *testing.T) {
	t.Parallel()
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGHUP) // where the tests run under nohup, their processes would ignore it, too
	t.Cleanup(func() { signal.Stop(caught) })
	source := filepath.Join(t.TempDir(), "long.wav")
	if out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=3600:r=8000", "-c:a", "pcm_u8", source).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, sent := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sent.String(), func(t *testing.T) {
			dir := t.TempDir()
			var said bytes.Buffer
			command := exec.CommandContext(t.Context(), harness.Binary(), "convert", "-o", filepath.Join(dir, "long.mp3"), source)
			command.Stdout, command.Stderr = &said, &said
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			harness.Eventually(t, "the MP3 to grow", func() error {
				entries, err := os.ReadDir(dir)
				if err == nil && len(entries) == 0 {
					err = errors.New("there is no file yet")
				}
				return err
			})
			if err := command.Process.Signal(sent); err != nil {
				t.Fatal(err)
			}
			var exit *exec.ExitError
			if err := command.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 130 {
				t.Errorf("%v, want exit code 130: %s", err, &said)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}
