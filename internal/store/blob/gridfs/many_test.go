package gridfs

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/event"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/test/servers"
)

// inserting counts the chunks that are on their way to the server.
type inserting struct {
	mu      sync.Mutex
	running map[int64]bool
	most    int
}

func (i *inserting) start(_ context.Context, started *event.CommandStartedEvent) {
	if collection, _ := started.Command.Lookup("insert").StringValueOK(); collection != "fs.chunks" {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.running[started.RequestID] = true
	i.most = max(i.most, len(i.running))
}

func (i *inserting) end(_ context.Context, succeeded *event.CommandSucceededEvent) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.running, succeeded.RequestID)
}

// TestManyUploads has 50 uploads at once: what they hold is bounded, and so is how many chunks are on their way.
func TestManyUploads(t *testing.T) {
	const uploads, size = 50, chunkSize / 4
	seen := inserting{running: map[int64]bool{}}
	url := servers.FerretDB(t)
	store := openConfig(t, Config{
		URL: url, Databases: databases(t, url),
		monitor: &event.CommandMonitor{Started: seen.start, Succeeded: seen.end},
	})
	writers := make([]*writer, uploads)
	ids := make([]conversion.ID, uploads)
	before := heap()
	for i := range uploads {
		ids[i] = newID()
		writers[i] = begin(t, store, ids[i])
		for range 8 {
			write(t, writers[i], pattern(string(ids[i]), size/8))
		}
	}
	if held := heap() - before; held > uploads*2*size {
		t.Errorf("%d uploads of %d KiB hold %d KiB", uploads, size>>10, held>>10)
	}
	errs := make([]error, uploads)
	var running sync.WaitGroup
	for i, w := range writers {
		running.Go(func() { errs[i] = w.Commit(t.Context(), blob.Meta{}) })
	}
	running.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if seen.most > inserts {
		t.Errorf("%d chunks were on their way at once, want at most %d", seen.most, inserts)
	}
	wantDocuments(t, store, uploads, uploads, 0)
	for _, w := range writers {
		if cap(w.buffer) > 0 {
			t.Fatal("a committed writer keeps its buffer")
		}
	}
}

// TestWriterHoldsOneChunk writes much more than that.
func TestWriterHoldsOneChunk(t *testing.T) {
	store := open(t)
	w := begin(t, store, newID())
	for range 10 {
		write(t, w, pattern("steps", chunkSize/4+1))
		if len(w.buffer) >= chunkSize || cap(w.buffer) > 2*chunkSize {
			t.Fatalf("holds %d of %d bytes", len(w.buffer), cap(w.buffer))
		}
	}
	if err := w.Abort(); err != nil {
		t.Error(err)
	}
}

func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
