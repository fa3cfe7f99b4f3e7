//go:build linux && (amd64 || arm64)

package sandbox

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestSmallLauncherIsCurrent holds what is embedded against the sources: what the other tests show must be true of
// what is started.
func TestSmallLauncherIsCurrent(t *testing.T) {
	embedded, err := programs.ReadFile("program/unreel-box")
	if err != nil {
		t.Skip("scripts/encoder has not been run: this program starts itself")
	}
	path := filepath.Join(t.TempDir(), "unreel-box")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=", "-o", path,
		"github.com/unreel/unreel/cmd/unreel-box")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, output)
	}
	if current, err := os.ReadFile(path); err != nil || !bytes.Equal(current, embedded) {
		t.Errorf("the embedded launcher is not of this source (%v): run scripts/encoder", err)
	}
}

// TestStartsItself goes without the small launcher.
func TestStartsItself(t *testing.T) {
	box, err := New(BestEffort)
	if err != nil {
		t.Fatal(err)
	}
	box.startItself()
	if err := box.Check(t.Context()); err != nil && len(box.Missing()) == 0 {
		t.Error(err)
	}
}
