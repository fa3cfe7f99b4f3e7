package gridfs

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/blob"
)

// TestReplaceCleansUp leaves nothing of what was replaced, nor of how.
func TestReplaceCleansUp(t *testing.T) {
	store, id := open(t), newID()
	put(t, store, id, pattern("first", 2*chunkSize+1), blob.Meta{SHA256: "1"})
	wantDocuments(t, store, 1, 3, 0)
	second := pattern("second", chunkSize+1)
	put(t, store, id, second, blob.Meta{SHA256: "2"})
	wantDocuments(t, store, 1, 2, 0)
	wantContent(t, store, id, second)
	wantStream(t, store, id, second)
	put(t, store, id, nil, blob.Meta{})
	wantDocuments(t, store, 1, 0, 0)
}

// wantStream reads with the driver's own bucket, which also refuses chunks that are too many.
func wantStream(t *testing.T, store *Store, id conversion.ID, want []byte) {
	t.Helper()
	stream, err := database(t, store).GridFSBucket().OpenDownloadStream(t.Context(), key(t, id))
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	got, err := io.ReadAll(stream)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("the driver reads %d bytes, %v; want %d", len(got), err, len(want))
	}
}

// TestSameContent leaves a file alone that has the same bytes already, unless it lacks some.
func TestSameContent(t *testing.T) {
	store, id := open(t), newID()
	data, meta := pattern("same", chunkSize+1), blob.Meta{SHA256: "abc"}
	put(t, store, id, data, meta)
	first := fileOf(t, store, id)
	put(t, store, id, data, meta)
	if again := fileOf(t, store, id); again.Writer != first.Writer {
		t.Error("a file was replaced by one with the same bytes")
	}
	wantDocuments(t, store, 1, 2, 0)

	if _, err := videos(t, store).chunks.DeleteOne(t.Context(), bson.D{{Key: "n", Value: 1}}); err != nil {
		t.Fatal(err)
	}
	put(t, store, id, data, meta)
	wantContent(t, store, id, data)
	wantDocuments(t, store, 1, 2, 0)
}

func fileOf(t *testing.T, store *Store, id conversion.ID) file {
	t.Helper()
	found, ok, err := videos(t, store).find(t.Context(), key(t, id))
	if err != nil || !ok {
		t.Fatalf("file of %s: %v, %v", id, ok, err)
	}
	return found
}

// TestCrashedWriter has another attempt commit although the first one died with its claim.
func TestCrashedWriter(t *testing.T) {
	store, id := open(t), newID()
	ctx, crash := context.WithCancel(t.Context())
	crashed, err := store.Create(ctx, blob.Video, id)
	if err != nil {
		t.Fatal(err)
	}
	write(t, crashed, pattern("lost", 2*chunkSize))
	crash()
	data := pattern("attempt", chunkSize+1)
	put(t, store, id, data, blob.Meta{})
	wantContent(t, store, id, data)
	wantDocuments(t, store, 1, 2, 0)
}

// TestStalledWriter wakes up when another has committed: what it writes on must not be seen, nor stay.
func TestStalledWriter(t *testing.T) {
	store, id := open(t), newID()
	stalled := begin(t, store, id)
	write(t, stalled, pattern("stalled", chunkSize))
	data := pattern("winner", 2*chunkSize+5)
	put(t, store, id, data, blob.Meta{})

	// It does not ask yet, so that its next chunk meets the winner's, and the one after lies beside them.
	if _, err := stalled.Write(pattern("stalled", chunkSize)); !errors.Is(err, errLost) {
		t.Errorf("write where another's chunk lies: got %v, want errLost", err)
	}
	stalled.failure, stalled.chunks = nil, 7
	write(t, stalled, pattern("stalled", chunkSize))
	wantContent(t, store, id, data)
	stalled.checked = time.Now().Add(-time.Minute)
	if _, err := stalled.Write(pattern("stalled", chunkSize)); !errors.Is(err, errLost) {
		t.Errorf("write after a minute: got %v, want errLost", err)
	}
	stalled.failure = nil
	if err := stalled.Commit(t.Context(), blob.Meta{}); !errors.Is(err, errLost) {
		t.Errorf("commit: got %v, want errLost", err)
	}
	wantContent(t, store, id, data)
	wantStream(t, store, id, data)
	wantDocuments(t, store, 1, 3, 0)
}

// TestCommitDeleted commits what was deleted meanwhile, as a converter does that lost its lease.
func TestCommitDeleted(t *testing.T) {
	store, id := open(t), newID()
	for _, replaces := range []bool{false, true} {
		if replaces {
			put(t, store, id, []byte("old"), blob.Meta{})
		}
		w := begin(t, store, id)
		write(t, w, pattern("x", chunkSize))
		if err := store.Delete(t.Context(), blob.Video, id); err != nil {
			t.Fatal(err)
		}
		write(t, w, pattern("x", chunkSize))
		if err := w.Commit(t.Context(), blob.Meta{}); !errors.Is(err, errLost) {
			t.Errorf("commit: got %v, want errLost", err)
		}
		wantDocuments(t, store, 0, 0, 0)
	}
}

// TestLostAtTheLastMoment has the blob deleted, and maybe written by another, after a writer has seen for the last
// time that it holds the claim and before it inserts the file.
func TestLostAtTheLastMoment(t *testing.T) {
	for name, replaced := range map[string]bool{"deleted": false, "replaced": true} {
		t.Run(name, func(t *testing.T) {
			rival, id := open(t), newID()
			meanwhile := sync.OnceFunc(func() {
				if err := rival.Delete(t.Context(), blob.Video, id); err != nil {
					t.Error(err)
				}
				if replaced {
					put(t, rival, id, []byte("rival"), blob.Meta{})
				}
			})
			config := rival.config
			config.monitor = &event.CommandMonitor{Started: func(_ context.Context, started *event.CommandStartedEvent) {
				if collection, _ := started.Command.Lookup("insert").StringValueOK(); collection == "fs.files" {
					meanwhile()
				}
			}}
			w := begin(t, openConfig(t, config), id)
			write(t, w, pattern("x", chunkSize))
			if err := w.Commit(t.Context(), blob.Meta{}); !errors.Is(err, errLost) {
				t.Errorf("commit: got %v, want errLost", err)
			}
			if replaced {
				wantContent(t, rival, id, []byte("rival"))
				wantDocuments(t, rival, 1, 1, 0)
			} else {
				wantDocuments(t, rival, 0, 0, 0)
			}
		})
	}
}

// TestStrayChunks writes where a stalled writer of a deleted blob has left a chunk, with no claim to it.
func TestStrayChunks(t *testing.T) {
	store, id := open(t), newID()
	stray := chunk{ID: bson.NewObjectID(), FilesID: key(t, id), Data: []byte("stray"), Writer: bson.NewObjectID()}
	if _, err := videos(t, store).chunks.InsertOne(t.Context(), stray); err != nil {
		t.Fatal(err)
	}
	if err := store.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	put(t, store, id, []byte("new"), blob.Meta{})
	wantContent(t, store, id, []byte("new"))
	wantDocuments(t, store, 1, 1, 0)
}
