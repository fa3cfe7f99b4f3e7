package observe

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/telemetry"
)

// Blobs watches a blob store. What ffmpeg reads where it lies is not counted.
func Blobs(kept blob.Store, by *telemetry.Telemetry) blob.Store {
	watched := &blobStore{kept, eye{by, "blobs"}}
	if local, ok := kept.(blob.Local); ok {
		return struct {
			*blobStore
			blob.Local
		}{watched, local}
	}
	return watched
}

type blobStore struct {
	blob.Store
	eye eye
}

func (s *blobStore) bytes(kind blob.Kind, direction string) prometheus.Counter {
	return s.eye.Metrics.BlobBytes.WithLabelValues(string(kind), direction)
}

// Create implements blob.Store. The span lasts until the blob is committed or given up.
func (s *blobStore) Create(ctx context.Context, kind blob.Kind, id conversion.ID) (blob.Writer, error) {
	ctx, end := s.eye.look(ctx, "blob.write "+string(kind), id)
	writer, err := s.Store.Create(ctx, kind, id)
	if err != nil {
		end(err)
		return nil, err
	}
	return &blobWriter{Writer: writer, written: s.bytes(kind, telemetry.Written), end: end}, nil
}

type blobWriter struct {
	blob.Writer
	written prometheus.Counter
	end     func(error) // nil once it was called
	failed  error
}

// Write implements io.Writer.
func (w *blobWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.written.Add(float64(n))
	if err != nil {
		w.failed = err
	}
	return n, err
}

// Commit implements blob.Writer.
func (w *blobWriter) Commit(ctx context.Context, meta blob.Meta) error {
	err := w.Writer.Commit(ctx, meta)
	w.finish(err)
	return err
}

// Abort implements blob.Writer.
func (w *blobWriter) Abort() error {
	err := w.Writer.Abort()
	if w.failed == nil {
		w.failed = err
	}
	w.finish(w.failed)
	return err
}

func (w *blobWriter) finish(err error) {
	if w.end != nil {
		w.end(err)
		w.end = nil
	}
}

// Open implements blob.Store. The span lasts until the reader is closed.
func (s *blobStore) Open(ctx context.Context, kind blob.Kind, id conversion.ID) (blob.Reader, error) {
	ctx, end := s.eye.look(ctx, "blob.read "+string(kind), id)
	reader, err := s.Store.Open(ctx, kind, id)
	if err != nil {
		end(err)
		return nil, err
	}
	return &blobReader{Reader: reader, read: s.bytes(kind, telemetry.Read), end: end}, nil
}

type blobReader struct {
	blob.Reader
	read   prometheus.Counter
	end    func(error) // nil once it was called
	failed error
}

// Read implements io.Reader.
func (r *blobReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.read.Add(float64(n))
	if err != nil {
		r.failed = err
	}
	return n, err
}

// Close implements io.Closer.
func (r *blobReader) Close() error {
	err := r.Reader.Close()
	if r.end != nil {
		r.end(r.failed)
		r.end = nil
	}
	return err
}

// Delete implements blob.Store.
func (s *blobStore) Delete(ctx context.Context, kind blob.Kind, id conversion.ID) error {
	ctx, end := s.eye.look(ctx, "blob.delete "+string(kind), id)
	err := s.Store.Delete(ctx, kind, id)
	end(err)
	return err
}
