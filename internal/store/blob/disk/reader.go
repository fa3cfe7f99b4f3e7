package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/blob"
)

// Open opens a committed blob.
func (s *Store) Open(ctx context.Context, kind blob.Kind, id conversion.ID) (blob.Reader, error) {
	name, err := locate(kind, id)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	file, err := s.root.Open(name)
	if err != nil {
		return nil, notFound(err, "open", kind, id)
	}
	stat, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("open %s %s: %w", kind, id, errors.Join(err, file.Close()))
	}
	return &reader{File: file, info: infoOf(conversion.ID(filepath.Base(name)), stat)}, nil
}

// reader is a committed blob's file. One that is replaced or deleted meanwhile stays whole for it.
type reader struct {
	*os.File
	info blob.Info
}

// Info describes the blob as it was when it was opened.
func (r *reader) Info() blob.Info { return r.info }

func infoOf(id conversion.ID, stat fs.FileInfo) blob.Info {
	return blob.Info{ID: id, Size: stat.Size(), Modified: stat.ModTime()}
}
