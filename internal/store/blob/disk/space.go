package disk

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/unreel/unreel/internal/store/blob"
)

// spaceInterval is how many bytes a writer takes between two looks at the free space.
const spaceInterval = 16 << 20

// Free asks a folder's file system what it has left for processes that are not root, in bytes.
func Free(dir string) (int64, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return 0, fmt.Errorf("look at free space of %s: %w", dir, err)
	}
	return int64(stat.Bavail) * int64(stat.Bsize), nil //nolint:unconvert // no file system has 2^63 bytes; the types differ between systems
}

// guarded is a file that looks at the free space now and then while it grows.
type guarded struct {
	*os.File

	store     *Store
	unchecked int64 // bytes written since the last look
}

// Write implements io.Writer.
func (g *guarded) Write(p []byte) (int, error) {
	if g.unchecked >= spaceInterval {
		if err := g.store.checkSpace(); err != nil {
			return 0, err
		}
		g.unchecked = 0
	}
	n, err := g.File.Write(p)
	g.unchecked += int64(n)
	return n, err
}

// checkSpace returns ErrFull when the reserve is touched.
func (s *Store) checkSpace() error {
	free, err := s.free()
	if err != nil {
		return err
	}
	if free < s.reserve {
		return fmt.Errorf("%w: %d bytes are free and %d are kept in reserve", blob.ErrFull, free, s.reserve)
	}
	return nil
}

// orFull marks the file system's own ways to say that it is full.
func orFull(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", blob.ErrFull, err)
	}
	return err
}
