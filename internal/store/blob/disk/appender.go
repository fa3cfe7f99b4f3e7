package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/blob"
)

// piecesSuffix marks the one staging file that all appenders of a blob write: "pieces" in place of a random text.
const piecesSuffix = ".pieces" + stagingSuffix

// Append opens the blob's staging file and cuts it at the mark. After a commit that nobody has noted, the blob becomes
// the staging file again.
func (s *Store) Append(ctx context.Context, kind blob.Kind, id conversion.ID, fence int64, from blob.Mark) (blob.Appender, error) {
	name, err := locate(kind, id)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	a := &appender{store: s, final: name, staged: name + piecesSuffix, fence: s.fences.enter(name), number: fence, size: from.Size}
	if err := a.takeOver(); err != nil {
		s.fences.leave(name)
		return nil, fmt.Errorf("append to %s %s: %w", kind, id, orFull(err))
	}
	return a, nil
}

// appender writes the staging file of a blob that comes in pieces. It shares the blob's fence with the others and works
// only while it is the newest, with the fence's mutex held.
type appender struct {
	store         *Store
	final, staged string
	fence         *fence
	number        int64 // of the claim
	file          *guarded
	size          int64
	failure       error // why it can never be committed
	settled       bool
	closed        bool
}

// takeOver makes this the newest appender.
func (a *appender) takeOver() error {
	a.fence.mutex.Lock()
	defer a.fence.mutex.Unlock()
	if before := a.fence.appender; before != nil && before.number > a.number {
		return blob.ErrSuperseded
	}
	if err := a.open(); err != nil {
		return err
	}
	a.fence.appender = a
	return nil
}

func (a *appender) open() error {
	if err := a.store.checkSpace(); err != nil {
		return err
	}
	if err := a.store.root.MkdirAll(filepath.Dir(a.final), folderMode); err != nil {
		return err
	}
	if err := a.takeBack(); err != nil {
		return err
	}
	flags := os.O_WRONLY
	if a.size == 0 {
		flags |= os.O_CREATE
	}
	file, err := a.store.root.OpenFile(a.staged, flags, fileMode)
	if errors.Is(err, fs.ErrNotExist) {
		return blob.ErrNotFound
	}
	if err != nil {
		return err
	}
	if err := cut(file, a.size); err != nil {
		return errors.Join(err, file.Close())
	}
	a.file = &guarded{File: file, store: a.store}
	return nil
}

// takeBack turns a committed blob into the staging file again.
func (a *appender) takeBack() error {
	err := a.store.root.Rename(a.final, a.staged)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// cut removes what lies behind a place in a file, and goes there.
func cut(file *os.File, size int64) error {
	end, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if end < size {
		return fmt.Errorf("%w: %d of %d bytes are there", blob.ErrNotFound, end, size)
	}
	if err := file.Truncate(size); err != nil {
		return err
	}
	_, err = file.Seek(size, io.SeekStart)
	return err
}

// work does something if this is still the newest appender, and may go on.
func (a *appender) work(do func() error) error {
	switch {
	case a.settled:
		return errSettled
	case a.failure != nil:
		return a.failure
	}
	a.fence.mutex.Lock()
	defer a.fence.mutex.Unlock()
	if a.fence.appender != a {
		a.failure = blob.ErrSuperseded
		return a.failure
	}
	if err := do(); err != nil {
		a.failure = orFull(err)
		return a.failure
	}
	return nil
}

// Write appends to the staging file. The first failure is final.
func (a *appender) Write(p []byte) (n int, err error) {
	err = a.work(func() error {
		n, err = a.file.Write(p)
		a.size += int64(n)
		return err
	})
	if err != nil {
		return n, fmt.Errorf("write blob: %w", err)
	}
	return n, nil
}

// Sync syncs the staging file, and the folders that it is in, which may be new.
func (a *appender) Sync(ctx context.Context) (blob.Mark, error) {
	if err := ctx.Err(); err != nil {
		return blob.Mark{}, err
	}
	err := a.work(func() error {
		if err := a.file.Sync(); err != nil {
			return err
		}
		return a.store.syncUp(filepath.Dir(a.final))
	})
	if err != nil {
		return blob.Mark{}, fmt.Errorf("sync blob: %w", err)
	}
	return blob.Mark{Size: a.size}, nil
}

// Commit syncs the staging file and renames it to the blob.
func (a *appender) Commit(ctx context.Context, _ blob.Meta) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := a.work(func() error {
		if err := a.file.Sync(); err != nil {
			return err
		}
		if err := a.store.root.Rename(a.staged, a.final); err != nil {
			return err
		}
		return a.store.syncUp(filepath.Dir(a.final))
	})
	if err != nil {
		return fmt.Errorf("commit blob: %w", err)
	}
	a.settled = true
	return nil
}

// Close closes the staging file and leaves it where it is.
func (a *appender) Close() error {
	if a.closed {
		return nil
	}
	a.closed, a.settled = true, true
	defer a.store.fences.leave(a.final)
	if err := a.file.Close(); err != nil {
		return fmt.Errorf("close blob: %w", err)
	}
	return nil
}
