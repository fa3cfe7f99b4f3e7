package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLockData(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	unlock, err := lockData(dir)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	_, err = lockData(dir)
	var refused *SettingError
	if !errors.As(err, &refused) || refused.Variable != "UNREEL_DATA" || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
		t.Errorf("the second start: %v; want it refused, naming the setting and the process", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	unlock, err = lockData(dir)
	if err != nil {
		t.Fatalf("after the first has stopped: %v", err)
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
}

// TestLockLeftBehind starts where a process was killed, whose longer number is in the file.
func TestLockLeftBehind(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "unreel.lock")
	if err := os.WriteFile(name, []byte("12345678901234567890\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	unlock, err := lockData(dir)
	if err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(name); err != nil || string(content) != fmt.Sprintf("%d\n", os.Getpid()) {
		t.Errorf("holds %q, %v", content, err)
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
}

func TestLockNoFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below"), ""} {
		var refused *SettingError
		if _, err := lockData(dir); !errors.As(err, &refused) || refused.Variable != "UNREEL_DATA" {
			t.Errorf("%q: %v", dir, err)
		}
	}
}
