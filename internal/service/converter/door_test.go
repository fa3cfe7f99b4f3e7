package converter_test

import (
	"context"
	"io"
	"sync/atomic"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/blob"
)

// door stands before a real store: it holds up whoever comes with an MP3, and can turn people away.
type door struct {
	blob.Store

	world     *world
	arrived   chan struct{}
	pass      chan struct{} // closed to let MP3s in
	left      chan struct{} // closed when one gave up waiting
	committed atomic.Bool
	deleting  func() // called before an MP3 is removed

	open, create, write, commit error // to fail with
}

func newDoor(w *world) *door {
	d := &door{Store: w.disk, world: w, arrived: make(chan struct{}), pass: make(chan struct{}), left: make(chan struct{})}
	w.blobs = d
	return d
}

// wait returns when an MP3 is about to be stored.
func (d *door) wait() {
	d.world.Helper()
	select {
	case <-d.arrived:
	case <-time.After(patience):
		d.world.Fatal("no MP3 came")
	}
}

func (d *door) Open(ctx context.Context, kind blob.Kind, id conversion.ID) (blob.Reader, error) {
	reader, err := d.Store.Open(ctx, kind, id)
	if err != nil || d.open == nil {
		return reader, err
	}
	return brokenReader{reader, d.open}, nil
}

type brokenReader struct {
	blob.Reader

	failure error
}

func (r brokenReader) Read([]byte) (int, error)         { return 0, r.failure }
func (r brokenReader) WriteTo(io.Writer) (int64, error) { return 0, r.failure }

func (d *door) Create(ctx context.Context, kind blob.Kind, id conversion.ID) (blob.Writer, error) {
	if d.create != nil {
		return nil, d.create
	}
	writer, err := d.Store.Create(ctx, kind, id)
	return &doorWriter{writer, d}, err
}

func (d *door) Delete(ctx context.Context, kind blob.Kind, id conversion.ID) error {
	if kind == blob.MP3 && d.deleting != nil {
		d.deleting()
	}
	return d.Store.Delete(ctx, kind, id)
}

// enter waits until MP3s are let in.
func (d *door) enter(ctx context.Context) error {
	select {
	case <-d.pass:
	case d.arrived <- struct{}{}:
		select {
		case <-d.pass:
		case <-ctx.Done():
			close(d.left)
			return ctx.Err()
		}
	}
	return nil
}

type doorWriter struct {
	blob.Writer

	door *door
}

func (w *doorWriter) Write(p []byte) (int, error) {
	if w.door.write != nil {
		return 0, w.door.write
	}
	return w.Writer.Write(p)
}

func (w *doorWriter) Commit(ctx context.Context, meta blob.Meta) error {
	if err := w.door.enter(ctx); err != nil {
		return err
	}
	if w.door.commit != nil {
		return w.door.commit
	}
	w.door.committed.Store(true)
	return w.Writer.Commit(ctx, meta)
}
