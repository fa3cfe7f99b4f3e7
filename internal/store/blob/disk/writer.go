package disk

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/blob"
)

// Create opens a staging file beside the blob's final name.
func (s *Store) Create(ctx context.Context, kind blob.Kind, id conversion.ID) (blob.Writer, error) {
	name, err := locate(kind, id)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w := &writer{store: s, final: name, staged: name + "." + rand.Text() + stagingSuffix, fence: s.fences.enter(name)}
	if err := w.open(); err != nil {
		s.fences.leave(name)
		return nil, fmt.Errorf("create %s %s: %w", kind, id, orFull(err))
	}
	return w, nil
}

// errSettled says that a writer was used after Commit or Abort.
var errSettled = errors.New("blob writer is committed or aborted already")

// writer writes a staging file. Like any io.Writer it is for one goroutine.
type writer struct {
	store         *Store
	final, staged string
	fence         *fence
	file          *guarded
	failure       error // why it can never be committed
	settled       bool
}

func (w *writer) open() error {
	if err := w.store.checkSpace(); err != nil {
		return err
	}
	if err := w.store.root.MkdirAll(filepath.Dir(w.final), folderMode); err != nil {
		return err
	}
	file, err := w.store.root.OpenFile(w.staged, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	w.file = &guarded{File: file, store: w.store}
	return err
}

// Write appends to the staging file. The first failure is final.
func (w *writer) Write(p []byte) (int, error) {
	if w.settled {
		return 0, errSettled
	}
	if w.failure != nil {
		return 0, w.failure
	}
	n, err := w.file.Write(p)
	if err != nil {
		w.failure = fmt.Errorf("write blob: %w", orFull(err))
	}
	return n, w.failure
}

// Commit syncs the staging file, renames it over the blob and syncs the folders. The ledger has what else
// Meta says; nobody else reads this folder.
func (w *writer) Commit(ctx context.Context, meta blob.Meta) error {
	if w.settled {
		return errSettled
	}
	if w.failure != nil {
		return w.failure
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	w.settled = true
	defer w.store.fences.leave(w.final)
	if err := w.commit(meta.Fence); err != nil {
		return fmt.Errorf("commit blob: %w", errors.Join(orFull(err), w.store.remove(w.staged)))
	}
	return nil
}

func (w *writer) commit(fence int64) error {
	if err := w.file.Sync(); err != nil {
		return errors.Join(err, w.file.Close())
	}
	if err := w.file.Close(); err != nil {
		return err
	}
	if err := w.takePlace(fence); err != nil {
		return err
	}
	return w.store.syncUp(filepath.Dir(w.final))
}

// takePlace renames the staging file over the blob, unless that is of a later claim.
func (w *writer) takePlace(fence int64) error {
	w.fence.mutex.Lock()
	defer w.fence.mutex.Unlock()
	if w.fence.highest > fence {
		return blob.ErrSuperseded
	}
	if err := w.store.root.Rename(w.staged, w.final); err != nil {
		return err
	}
	w.fence.highest = fence
	return nil
}

// Abort removes the staging file, unless Commit has been called and got past its checks.
func (w *writer) Abort() error {
	if w.settled {
		return nil
	}
	w.settled = true
	defer w.store.fences.leave(w.final)
	if err := errors.Join(w.file.Close(), w.store.remove(w.staged)); err != nil {
		return fmt.Errorf("abort blob: %w", err)
	}
	return nil
}
