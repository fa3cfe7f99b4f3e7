package gridfs

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/blob"
)

func list(t *testing.T, store *Store, before time.Time) map[conversion.ID]int64 {
	t.Helper()
	sizes := map[conversion.ID]int64{}
	for info, err := range store.List(t.Context(), blob.Video, before) {
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := sizes[info.ID]; twice {
			t.Errorf("%s is listed twice", info.ID)
		}
		sizes[info.ID] = info.Size
	}
	return sizes
}

// TestOrphans lists and deletes what crashes leave: a first writer's chunks, a replacing one's, a claim alone, chunks
// without any claim; and what another program began to write.
func TestOrphans(t *testing.T) {
	store := open(t)
	file, first, claimed := newID(), newID(), newID()
	put(t, store, file, []byte("file"), blob.Meta{})
	write(t, begin(t, store, file), pattern("replacing", chunkSize))
	write(t, begin(t, store, first), pattern("first", chunkSize))
	begin(t, store, claimed)
	var strays []conversion.ID
	for range 2 {
		id := newID()
		stray := chunk{ID: bson.NewObjectID(), FilesID: key(t, id), N: 3, Data: []byte("stray")}
		if _, err := videos(t, store).chunks.InsertOne(t.Context(), stray); err != nil {
			t.Fatal(err)
		}
		strays = append(strays, id)
	}
	wantDocuments(t, store, 1, 5, 3)

	want := map[conversion.ID]int64{file: 4, first: 0, claimed: 0, strays[0]: 0, strays[1]: 0}
	if diff := cmp.Diff(want, list(t, store, time.Now().Add(time.Hour))); diff != "" {
		t.Errorf("sizes by id (-want +got):\n%s", diff)
	}
	if got := list(t, store, time.Now().Add(-time.Hour)); len(got) != 0 {
		t.Errorf("an hour ago the store lists %v", got)
	}
	for id := range want {
		if err := store.Delete(t.Context(), blob.Video, id); err != nil {
			t.Fatal(err)
		}
	}
	wantDocuments(t, store, 0, 0, 0)
}

// TestBusyFile is not old while somebody writes it again.
func TestBusyFile(t *testing.T) {
	store, id := open(t), newID()
	put(t, store, id, []byte("old"), blob.Meta{})
	age := bson.D{{Key: "$set", Value: bson.D{{Key: "uploadDate", Value: time.Now().Add(-48 * time.Hour)}}}}
	if _, err := videos(t, store).files.UpdateOne(t.Context(), byID(key(t, id)), age); err != nil {
		t.Fatal(err)
	}
	yesterday := time.Now().Add(-24 * time.Hour)
	if got := list(t, store, yesterday); len(got) != 1 {
		t.Errorf("an old file is not listed: %v", got)
	}
	w := begin(t, store, id)
	if got := list(t, store, yesterday); len(got) != 0 {
		t.Errorf("a file that is written again is listed as old: %v", got)
	}
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
}

// TestStrangers leaves files alone whose _id no conversion can have.
func TestStrangers(t *testing.T) {
	store := open(t)
	if _, err := videos(t, store).files.InsertOne(t.Context(), bson.D{{Key: "_id", Value: "name"}, {Key: "length", Value: 1}}); err != nil {
		t.Fatal(err)
	}
	if _, err := videos(t, store).chunks.InsertOne(t.Context(), bson.D{{Key: "files_id", Value: "name"}, {Key: "n", Value: 0}}); err != nil {
		t.Fatal(err)
	}
	if got := list(t, store, time.Now().Add(time.Hour)); len(got) != 0 {
		t.Errorf("listed: %v", got)
	}
}

// TestListLeavesOthersAlone keeps whole files of other programs out of what the collector looks at.
func TestListLeavesOthersAlone(t *testing.T) {
	store, id := open(t), newID()
	bucket := database(t, store).GridFSBucket()
	if err := bucket.UploadFromStreamWithID(t.Context(), key(t, id), "", bytes.NewReader([]byte("first version"))); err != nil {
		t.Fatal(err)
	}
	for info, err := range store.List(t.Context(), blob.Video, time.Now().Add(time.Hour)) {
		t.Errorf("listed: %+v, %v", info, err)
	}
	wantContent(t, store, id, []byte("first version"))
}
