package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// lockData makes this process the only one that serves from a data folder, until the returned function is
// called or the process ends, however it ends.
func lockData(dir string) (unlock func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, &SettingError{"UNREEL_DATA", dir, "the folder cannot be made: " + err.Error()}
	}
	file, err := os.OpenFile(filepath.Join(dir, "unreel.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, &SettingError{"UNREEL_DATA", dir, "the folder cannot be written to: " + err.Error()}
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer file.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, &SettingError{"UNREEL_DATA", dir, "another unreel" + holder(file) + " is using this folder; stop it, or name another folder"}
		}
		return nil, fmt.Errorf("lock %s: %w", file.Name(), err)
	}
	if err := writeHolder(file); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", file.Name(), err), file.Close())
	}
	return file.Close, nil
}

func writeHolder(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	return err
}

// holder says which process has the lock, as far as it has said so.
func holder(file io.Reader) string {
	pid, err := io.ReadAll(io.LimitReader(file, 20))
	if text := strings.TrimSpace(string(pid)); err == nil && text != "" {
		return fmt.Sprintf(" (process %s)", text)
	}
	return ""
}

func makeFolder(variable, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return &SettingError{variable, dir, "the folder cannot be made: " + err.Error()}
	}
	return nil
}
