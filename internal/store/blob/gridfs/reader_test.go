package gridfs

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/test/servers"
)

// TestDamage reads chunks that are missing, short, long, or another's: each is an error. They are another program's,
// which are small.
func TestDamage(t *testing.T) {
	const size = 1000
	tests := map[string]func(ctx context.Context, chunks *mongo.Collection) error{
		"first missing": remove(0), "middle missing": remove(1), "last missing": remove(2),
		"short":          set(1, "data", bson.Binary{Data: make([]byte, size-1)}),
		"long":           set(1, "data", bson.Binary{Data: make([]byte, size+1)}),
		"last too short": set(2, "data", bson.Binary{}),
		"no bytes":       set(1, "data", "text"),
		"no number":      set(1, "n", "one"),
		"another's":      set(1, "writer", bson.NewObjectID()),
	}
	store, id := open(t), newID()
	upload := options.GridFSUpload().SetChunkSizeBytes(size)
	for name, damage := range tests {
		t.Run(name, func(t *testing.T) {
			whole := bytes.NewReader(pattern("whole", 2*size+1))
			if err := database(t, store).GridFSBucket().UploadFromStreamWithID(t.Context(), key(t, id), "", whole, upload); err != nil {
				t.Fatal(err)
			}
			if err := damage(t.Context(), videos(t, store).chunks); err != nil {
				t.Fatal(err)
			}
			if got, err := read(t, store, id); !errors.Is(err, errDamaged) {
				t.Errorf("read %d bytes, %v; want errDamaged", len(got), err)
			}
			if err := store.Delete(t.Context(), blob.Video, id); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func remove(n int) func(context.Context, *mongo.Collection) error {
	return func(ctx context.Context, chunks *mongo.Collection) error {
		_, err := chunks.DeleteOne(ctx, bson.D{{Key: "n", Value: n}})
		return err
	}
}

func set(n int, field string, value any) func(context.Context, *mongo.Collection) error {
	return func(ctx context.Context, chunks *mongo.Collection) error {
		_, err := chunks.UpdateOne(ctx, bson.D{{Key: "n", Value: n}}, bson.D{{Key: "$set", Value: bson.D{{Key: field, Value: value}}}})
		return err
	}
}

func TestDamagedFile(t *testing.T) {
	store, id := open(t), newID()
	for _, broken := range []file{{ID: key(t, id), Length: 5}, {ID: key(t, id), Length: -1, ChunkSize: 1}} {
		if _, err := videos(t, store).files.InsertOne(t.Context(), broken); err != nil {
			t.Fatal(err)
		}
		if _, err := read(t, store, id); err == nil {
			t.Errorf("%+v: no error", broken)
		}
		if err := store.Delete(t.Context(), blob.Video, id); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReplacedWhileRead must not go on with another's bytes.
func TestReplacedWhileRead(t *testing.T) {
	store, id := open(t), newID()
	put(t, store, id, pattern("first", 3*chunkSize), blob.Meta{})
	r, err := store.Open(t.Context(), blob.Video, id)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.ReadFull(r, make([]byte, chunkSize)); err != nil {
		t.Fatal(err)
	}
	put(t, store, id, pattern("other", 3*chunkSize), blob.Meta{})
	if _, err := io.ReadAll(r); !errors.Is(err, errDamaged) {
		t.Errorf("got %v, want errDamaged", err)
	}
}

// finds notes how many chunks each query may return.
type finds struct {
	mu     sync.Mutex
	limits []int64
}

func (f *finds) monitor() *event.CommandMonitor {
	return &event.CommandMonitor{Started: func(_ context.Context, started *event.CommandStartedEvent) {
		collection, _ := started.Command.Lookup("find").StringValueOK()
		limit, _ := started.Command.Lookup("limit").AsInt64OK()
		if collection == "fs.chunks" {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.limits = append(f.limits, limit)
		}
	}}
}

func (f *finds) take() []int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	limits := f.limits
	f.limits = nil
	return limits
}

// TestFetchesWhatItNeeds counts the chunks that are asked for.
func TestFetchesWhatItNeeds(t *testing.T) {
	var asked finds
	url := servers.FerretDB(t)
	store := openConfig(t, Config{URL: url, Databases: databases(t, url), monitor: asked.monitor()})
	id := newID()
	data := pattern("range", 6*chunkSize+10)
	put(t, store, id, data, blob.Meta{})
	r, err := store.Open(t.Context(), blob.Video, id)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	steps := []struct {
		offset, length int
		want           []int64
	}{
		{6*chunkSize + 1, 9, []int64{1}},
		{chunkSize + 7, 1, []int64{1}},
		{chunkSize + 100, 1, nil},        // it has this chunk
		{2*chunkSize - 1, 2, []int64{4}}, // it reads on
		{3 * chunkSize, chunkSize, nil},  // it has this one too
		{0, len(data), []int64{1, 4, 2}},
	}
	for _, step := range steps {
		if _, err := r.Seek(int64(step.offset), io.SeekStart); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, step.length)
		if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, data[step.offset:step.offset+step.length]) {
			t.Fatalf("%d bytes at %d are not what was written: %v", step.length, step.offset, err)
		}
		if diff := cmp.Diff(step.want, slices.Clone(asked.take())); diff != "" {
			t.Errorf("chunks asked for by %d bytes at %d (-want +got):\n%s", step.length, step.offset, diff)
		}
	}
}

// TestSmallBlob is found by its chunk's _id, which no server has to look for among all that is stored.
func TestSmallBlob(t *testing.T) {
	var mu sync.Mutex
	var filters []bson.Raw
	url := servers.FerretDB(t)
	store := openConfig(t, Config{URL: url, Databases: databases(t, url), monitor: &event.CommandMonitor{
		Started: func(_ context.Context, started *event.CommandStartedEvent) {
			if collection, _ := started.Command.Lookup("find").StringValueOK(); collection == "fs.chunks" {
				mu.Lock()
				defer mu.Unlock()
				filters = append(filters, bytes.Clone(started.Command.Lookup("filter").Document()))
			}
		},
	}})
	id := newID()
	put(t, store, id, []byte("first"), blob.Meta{})
	wantContent(t, store, id, []byte("first"))
	put(t, store, id, []byte("second"), blob.Meta{})
	filters = nil
	wantContent(t, store, id, []byte("second"))
	first, err := bson.Marshal(byID(fileOf(t, store, id).First))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{bson.Raw(first).String()}
	var got []string
	for _, filter := range filters {
		got = append(got, filter.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("how chunks are looked for (-want +got):\n%s", diff)
	}
}
