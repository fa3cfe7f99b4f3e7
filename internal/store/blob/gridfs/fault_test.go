package gridfs

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/store"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/test/servers"
)

// faulty returns a store on a server that the test may kill.
func faulty(t *testing.T, timeout time.Duration) (*Store, *servers.FerretDBServer) {
	t.Helper()
	server := servers.NewFerretDB(t)
	return openConfig(t, Config{URL: server.URL(), Timeout: timeout}), server
}

// TestServerDies kills the server in mid-upload and in mid-download.
func TestServerDies(t *testing.T) {
	opened, server := faulty(t, 2*time.Second)
	stored, torn := newID(), newID()
	data := pattern("stored", 2*chunkSize)
	put(t, opened, stored, data, blob.Meta{})

	w := begin(t, opened, torn)
	write(t, w, pattern("torn", chunkSize))
	r, err := opened.Open(t.Context(), blob.Video, stored)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	head := make([]byte, chunkSize)
	if _, err := io.ReadFull(r, head); err != nil {
		t.Fatal(err)
	}
	server.Kill(t)

	wantUnavailable(t, map[string]func() error{
		"write": func() error {
			_, err := w.Write(pattern("torn", chunkSize))
			return errors.Join(err, w.Commit(t.Context(), blob.Meta{}), w.Abort())
		},
		"read": func() error {
			_, err := r.Read(make([]byte, 1))
			return err
		},
		"open": func() error {
			_, err := opened.Open(t.Context(), blob.Video, stored)
			return err
		},
		"create": func() error {
			_, err := opened.Create(t.Context(), blob.Video, newID())
			return err
		},
		"check":  func() error { return opened.Check(t.Context()) },
		"delete": func() error { return opened.Delete(t.Context(), blob.Video, stored) },
	})

	server.Restart(t)
	tail, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(slices.Concat(head, tail), data) {
		t.Errorf("the reader did not go on with the server: %d bytes, %v", len(tail), err)
	}
	second := pattern("second", chunkSize+1)
	put(t, opened, torn, second, blob.Meta{})
	wantContent(t, opened, torn, second)
	wantDocuments(t, opened, 2, 4, 0)
}

// TestServerIsLate opens the store before there is a server.
func TestServerIsLate(t *testing.T) {
	server := servers.NewFerretDB(t)
	server.Kill(t)
	opened := openConfig(t, Config{URL: server.URL(), Timeout: time.Second})
	if err := opened.Check(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("check: got %v, want ErrUnavailable", err)
	}
	server.Restart(t)
	id := newID()
	put(t, opened, id, []byte("late"), blob.Meta{})
	wantContent(t, opened, id, []byte("late"))
}

// TestServerHangs stops the server's clock: its connections stay open, and nothing answers.
func TestServerHangs(t *testing.T) {
	opened, server := faulty(t, time.Second)
	id := newID()
	put(t, opened, id, pattern("stored", chunkSize+1), blob.Meta{})
	w := begin(t, opened, newID())
	server.Pause(t)
	wantUnavailable(t, map[string]func() error{
		"write": func() error {
			_, err := w.Write(pattern("hang", chunkSize))
			return err
		},
		"read": func() error {
			_, err := read(t, opened, id)
			return err
		},
		"check": func() error { return opened.Check(t.Context()) },
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := opened.Open(ctx, blob.Video, id); !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrUnavailable) {
		t.Errorf("open whose caller gave up: got %v, want that it was canceled", err)
	}
	server.Continue(t)
	if err := w.Abort(); err != nil {
		t.Errorf("abort: %v", err)
	}
	wantContent(t, opened, id, pattern("stored", chunkSize+1))
}

// wantUnavailable runs operations side by side, since each waits for the server.
func wantUnavailable(t *testing.T, operations map[string]func() error) {
	t.Helper()
	var running sync.WaitGroup
	for name, operation := range operations {
		running.Go(func() {
			if err := operation(); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("%s: got %v, want ErrUnavailable", name, err)
			}
		})
	}
	running.Wait()
}

// TestHalfOpen wants who begins something to be told soon, however patient the store is with what is under way.
func TestHalfOpen(t *testing.T) {
	server := servers.NewFerretDB(t)
	opened := openConfig(t, Config{URL: server.URL(), Contact: 4 * time.Second})
	id := newID()
	put(t, opened, id, []byte("stored"), blob.Meta{})
	server.Pause(t)
	defer server.Continue(t)
	began := time.Now()
	wantUnavailable(t, map[string]func() error{
		"open": func() error {
			_, err := opened.Open(t.Context(), blob.Video, id)
			return err
		},
		"create": func() error {
			_, err := opened.Create(t.Context(), blob.Video, newID())
			return err
		},
	})
	if took := time.Since(began); took > DefaultTimeout*2/3 {
		t.Errorf("it took %v", took)
	}
}
