package servers

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

const (
	// prefix begins the name of each process's directory under the system's one for temporary files: short,
	// since the path of a socket in it may not be longer than 103 bytes.
	prefix = "unreel-servers-"
	// owner is the file in it that its process holds a lock on.
	owner = "owner"
)

// directory makes a directory for one server.
func directory(name string) (string, error) {
	root, err := home()
	if err != nil {
		return "", fmt.Errorf("directory for %s: %w", name, err)
	}
	dir, err := os.MkdirTemp(root, name+"-")
	if err != nil {
		return "", fmt.Errorf("directory for %s: %w", name, err)
	}
	return dir, nil
}

// home is the directory of this process, made when first asked for. That is also when goes what processes left
// that were killed: a lock ends with its process, so a directory whose lock can be had is nobody's.
var home = sync.OnceValues(func() (string, error) {
	left, err := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*"))
	if err != nil {
		return "", err
	}
	for _, dir := range left {
		if err := sweep(dir); err != nil {
			return "", err
		}
	}
	for {
		dir, err := os.MkdirTemp("", prefix)
		if err != nil {
			return "", err
		}
		release, err := lock(dir, os.O_CREATE)
		if errors.Is(err, errTaken) {
			continue // by a sweeper that took it for a dead process's
		}
		if err != nil {
			return "", errors.Join(err, os.RemoveAll(dir))
		}
		atExit(func() error { return errors.Join(os.RemoveAll(dir), release()) })
		return dir, nil
	}
})

// sweep removes a directory whose process is gone.
func sweep(dir string) error {
	release, err := lock(dir, 0)
	if errors.Is(err, errTaken) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(dir), release())
}

// errTaken says that a directory is another process's, or on its way to be made or removed by one.
var errTaken = errors.New("directory is taken")

// lock takes the lock on a directory. It is released by the function that it returns, or by the process's end.
func lock(dir string, flag int) (release func() error, err error) {
	name := filepath.Join(dir, owner)
	file, err := os.OpenFile(name, os.O_RDWR|flag, 0o600)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		return nil, errTaken
	}
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(errTaken, file.Close())
	}
	if _, err := os.Stat(name); err != nil {
		return nil, errors.Join(errTaken, file.Close()) // removed between opening and locking it
	}
	return file.Close, nil
}
