package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path/filepath"
	"slices"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/blob"
)

// List walks the folders of a kind. An id comes once: its size is what Delete would free, its time the
// latest change of any of its files, so that a blob that is being written again is left alone.
func (s *Store) List(ctx context.Context, kind blob.Kind, before time.Time) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		if !slices.Contains(blob.Kinds, kind) {
			yield(blob.Info{}, fmt.Errorf("no such kind of blob: %q", kind))
			return
		}
		for folder, err := range s.folders(ctx, string(kind), 2) {
			if err == nil {
				var more bool
				if more, err = s.listFolder(folder, before, yield); !more {
					return
				}
			}
			if err != nil {
				yield(blob.Info{}, fmt.Errorf("list %s: %w", kind, err))
				return
			}
		}
	}
}

// folders yields the folders that lie depth levels under one.
func (s *Store) folders(ctx context.Context, folder string, depth int) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if depth == 0 {
			yield(folder, ctx.Err())
			return
		}
		entries, err := s.readDir(folder)
		if err != nil {
			yield("", err)
			return
		}
		for _, entry := range entries {
			if !entry.IsDir() {
				continue
			}
			for below, err := range s.folders(ctx, filepath.Join(folder, entry.Name()), depth-1) {
				if !yield(below, err) || err != nil {
					return
				}
			}
		}
	}
}

// listFolder yields what one folder holds, and tells whether to go on.
func (s *Store) listFolder(folder string, before time.Time, yield func(blob.Info, error) bool) (bool, error) {
	entries, err := s.readDir(folder)
	if err != nil {
		return true, err
	}
	found := map[conversion.ID]blob.Info{}
	for _, entry := range entries {
		id, ok := ownerOf(entry.Name())
		if !ok {
			continue
		}
		stat, err := s.root.Lstat(filepath.Join(folder, entry.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return true, err
		}
		found[id] = merge(found[id], infoOf(id, stat))
	}
	for _, info := range found {
		if info.Modified.Before(before) && !yield(info, nil) {
			return false, nil
		}
	}
	return true, nil
}

// merge adds another file of the same id.
func merge(info, other blob.Info) blob.Info {
	other.Size += info.Size
	if info.Modified.After(other.Modified) {
		other.Modified = info.Modified
	}
	return other
}
