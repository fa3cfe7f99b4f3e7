// Package disk keeps blobs as files in one folder of this machine: what a single process needs, and what
// lets ffmpeg read a video where it lies.
//
// A blob is written beside its final name, synced, and renamed over it, so that whoever looks sees the
// whole of an old or of a new one. The folder belongs to one process at a time; locking it is the
// caller's business.
package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/blob"
)

// Owner only: a video is nobody else's business.
const (
	folderMode = 0o700
	fileMode   = 0o600
)

// DefaultReserve is the free space in bytes that is left for the database, which cannot even delete rows
// on a full disk.
const DefaultReserve = 256 << 20

// Config says where the files are.
type Config struct {
	Dir     string // made if missing
	Reserve int64  // bytes of the file system to leave free; 0: DefaultReserve
}

// Validate names the first setting that cannot work.
func (c Config) Validate() error {
	switch {
	case c.Dir == "":
		return errors.New("name a folder, like file:/var/lib/unreel/blobs")
	case c.Reserve < 0:
		return errors.New("the reserve of free space must not be negative")
	}
	return nil
}

// Store keeps blobs in a folder.
type Store struct {
	dir     string // absolute
	root    *os.Root
	reserve int64
	free    func() (int64, error) // bytes that the file system has left for us
	fences  fences
}

var (
	_ blob.Store = (*Store)(nil)
	_ blob.Local = (*Store)(nil)
)

// Open makes the folder if it is missing. The caller closes the store.
func Open(config Config) (*Store, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(config.Dir)
	if err != nil {
		return nil, fmt.Errorf("open blob folder: %w", err)
	}
	if err := os.MkdirAll(dir, folderMode); err != nil {
		return nil, fmt.Errorf("make blob folder: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open blob folder: %w", err)
	}
	store := &Store{dir: dir, root: root, reserve: config.Reserve}
	if store.reserve == 0 {
		store.reserve = DefaultReserve
	}
	store.free = func() (int64, error) { return Free(store.dir) }
	return store, nil
}

// Close gives the folder up. Readers and writers that are still open keep working.
func (s *Store) Close() error {
	return s.root.Close()
}

// Check returns nil when the folder is there and can be written. A disk without room is no reason to
// fail: what is stored can still be read, and Create says ErrFull.
func (s *Store) Check(context.Context) error {
	if err := unix.Access(s.dir, unix.R_OK|unix.W_OK|unix.X_OK); err != nil {
		return fmt.Errorf("blob folder %s cannot be used: %w", s.dir, err)
	}
	return nil
}

// Path returns the committed blob's file.
func (s *Store) Path(kind blob.Kind, id conversion.ID) (string, error) {
	name, err := locate(kind, id)
	if err != nil {
		return "", err
	}
	if _, err := s.root.Lstat(name); err != nil {
		return "", notFound(err, "find", kind, id)
	}
	return filepath.Join(s.dir, name), nil
}

// Delete removes a blob and every staging file of its id.
func (s *Store) Delete(ctx context.Context, kind blob.Kind, id conversion.ID) error {
	name, err := locate(kind, id)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	folder := filepath.Dir(name)
	entries, err := s.readDir(folder)
	if err != nil {
		return fmt.Errorf("delete %s %s: %w", kind, id, err)
	}
	removed := false
	for _, entry := range entries {
		if owner, ok := ownerOf(entry.Name()); !ok || string(owner) != filepath.Base(name) {
			continue
		}
		if err := s.remove(filepath.Join(folder, entry.Name())); err != nil {
			return fmt.Errorf("delete %s %s: %w", kind, id, err)
		}
		removed = true
	}
	if !removed {
		return nil
	}
	return s.sync(folder)
}

// locate returns the name of a committed blob under the root. Folders fan out by the end of the id,
// which is a counter; its start is the time, and would put a day's blobs into one folder. An id
// is parsed again here, whoever sent it: no other text ever becomes a path.
func locate(kind blob.Kind, id conversion.ID) (string, error) {
	if !slices.Contains(blob.Kinds, kind) {
		return "", fmt.Errorf("no such kind of blob: %q", kind)
	}
	id, err := conversion.ParseID(string(id))
	if err != nil {
		return "", fmt.Errorf("blob id: %w", err)
	}
	end := id[len(id)-4:]
	return filepath.Join(string(kind), string(end[2:]), string(end[:2]), string(id)), nil
}

// stagingSuffix marks a file that has not been committed: id, dot, random text, suffix.
const stagingSuffix = ".part"

// ownerOf tells whose file this is: a committed blob's or a staging file's.
func ownerOf(name string) (conversion.ID, bool) {
	text, rest, staging := strings.Cut(name, ".")
	if staging && !strings.HasSuffix("."+rest, stagingSuffix) {
		return "", false
	}
	id, err := conversion.ParseID(text)
	return id, err == nil && string(id) == text
}

// readDir lists a folder; one that is not there is empty.
func (s *Store) readDir(folder string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(s.root.FS(), filepath.ToSlash(folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}

// remove deletes a file; one that is not there is no error.
func (s *Store) remove(name string) error {
	if err := s.root.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// sync makes a folder's entries durable.
func (s *Store) sync(folder string) error {
	dir, err := s.root.Open(folder)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	err = dir.Sync()
	return errors.Join(err, dir.Close())
}

// syncUp makes a folder's entries durable, and those of all folders above it. They may be new, made by whoever asks or by
// another that has not come so far; syncing one that has not changed costs next to nothing.
func (s *Store) syncUp(folder string) error {
	for ; ; folder = filepath.Dir(folder) {
		if err := s.sync(folder); err != nil || folder == "." {
			return err
		}
	}
}

// notFound turns a missing file into the contract's error.
func notFound(err error, operation string, kind blob.Kind, id conversion.ID) error {
	if errors.Is(err, fs.ErrNotExist) {
		err = blob.ErrNotFound
	}
	return fmt.Errorf("%s %s %s: %w", operation, kind, id, err)
}
