package mediatest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Text writes a text file that is named like a video and returns its path.
func Text(t testing.TB) string {
	t.Helper()
	return File(t, "notes.mp4", []byte(strings.Repeat("Not a video, whatever its name says.\n", 200)))
}

// Empty writes a file without a byte and returns its path.
func Empty(t testing.TB) string {
	t.Helper()
	return File(t, "empty.mp4", nil)
}

// Truncated makes a video, keeps the given part of its bytes (0 to 1), and returns its path.
func Truncated(t testing.TB, spec Spec, part float64) string {
	t.Helper()
	whole := Bytes(t, spec)
	return File(t, "cut."+spec.withDefaults().Container, whole[:int(part*float64(len(whole)))])
}

// File writes a file into a directory of the test's own and returns its path.
func File(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
