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

// passage is a blob on its way in or out.
type passage struct {
	bytes  prometheus.Counter
	end    func(error) // of its span; nil once it was called
	failed error       // why no more bytes came through
}

func (s *blobStore) passage(kind blob.Kind, direction string, end func(error)) passage {
	return passage{bytes: s.eye.Metrics.BlobBytes.WithLabelValues(string(kind), direction), end: end}
}

// pass counts what a Read or Write did.
func (p *passage) pass(n int, err error) {
	p.bytes.Add(float64(n))
	if err != nil {
		p.failed = err
	}
}

// finish ends the span, once, by what went wrong first.
func (p *passage) finish(err error) {
	if p.failed != nil {
		err = p.failed
	}
	if p.end != nil {
		p.end(err)
		p.end = nil
	}
}

// Create implements blob.Store. The span lasts until the blob is committed or given up.
func (s *blobStore) Create(ctx context.Context, kind blob.Kind, id conversion.ID) (blob.Writer, error) {
	ctx, end := s.eye.look(ctx, "blob.write "+string(kind), id)
	writer, err := s.Store.Create(ctx, kind, id)
	if err != nil {
		end(err)
		return nil, err
	}
	return &blobWriter{writer, s.passage(kind, telemetry.Written, end)}, nil
}

type blobWriter struct {
	blob.Writer
	passage
}

// Write implements io.Writer.
func (w *blobWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.pass(n, err)
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
	w.finish(err)
	return err
}

// Append implements blob.Store. The span lasts until the appender is closed.
func (s *blobStore) Append(ctx context.Context, kind blob.Kind, id conversion.ID, fence int64, from blob.Mark) (blob.Appender, error) {
	ctx, end := s.eye.look(ctx, "blob.append "+string(kind), id)
	appender, err := s.Store.Append(ctx, kind, id, fence, from)
	if err != nil {
		end(err)
		return nil, err
	}
	return &blobAppender{appender, s.passage(kind, telemetry.Written, end)}, nil
}

type blobAppender struct {
	blob.Appender
	passage
}

// Write implements io.Writer.
func (a *blobAppender) Write(p []byte) (int, error) {
	n, err := a.Appender.Write(p)
	a.pass(n, err)
	return n, err
}

// Sync implements blob.Appender.
func (a *blobAppender) Sync(ctx context.Context) (blob.Mark, error) {
	mark, err := a.Appender.Sync(ctx)
	a.pass(0, err)
	return mark, err
}

// Commit implements blob.Appender.
func (a *blobAppender) Commit(ctx context.Context, meta blob.Meta) error {
	err := a.Appender.Commit(ctx, meta)
	a.pass(0, err)
	return err
}

// Close implements io.Closer.
func (a *blobAppender) Close() error {
	err := a.Appender.Close()
	a.finish(err)
	return err
}

// Open implements blob.Store. The span lasts until the reader is closed.
func (s *blobStore) Open(ctx context.Context, kind blob.Kind, id conversion.ID) (blob.Reader, error) {
	ctx, end := s.eye.look(ctx, "blob.read "+string(kind), id)
	reader, err := s.Store.Open(ctx, kind, id)
	if err != nil {
		end(err)
		return nil, err
	}
	return &blobReader{reader, s.passage(kind, telemetry.Read, end)}, nil
}

type blobReader struct {
	blob.Reader
	passage
}

// Read implements io.Reader.
func (r *blobReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.pass(n, err)
	return n, err
}

// Close implements io.Closer.
func (r *blobReader) Close() error {
	err := r.Reader.Close()
	r.finish(err)
	return err
}

// Delete implements blob.Store.
func (s *blobStore) Delete(ctx context.Context, kind blob.Kind, id conversion.ID) error {
	ctx, end := s.eye.look(ctx, "blob.delete "+string(kind), id)
	err := s.Store.Delete(ctx, kind, id)
	end(err)
	return err
}
