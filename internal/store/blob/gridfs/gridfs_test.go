package gridfs

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.uber.org/goleak"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/blob/blobtest"
	"github.com/unreel/unreel/test/servers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(servers.M{M: m}) }

// open returns an empty store on a server that other tests use too.
func open(t *testing.T) *Store {
	t.Helper()
	url := servers.FerretDB(t)
	return openConfig(t, Config{URL: url, Databases: databases(t, url)})
}

func databases(t *testing.T, url string) map[blob.Kind]string {
	t.Helper()
	names := map[blob.Kind]string{}
	for _, kind := range blob.Kinds {
		names[kind] = servers.Database(t, url, string(kind))
	}
	return names
}

func openConfig(t *testing.T, config Config) *Store {
	t.Helper()
	store, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	store.patience = 300 * time.Millisecond
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func TestStore(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store { return open(t) })
}

func newID() conversion.ID { return conversion.NewID(time.Now()) }

func key(t *testing.T, id conversion.ID) bson.ObjectID {
	t.Helper()
	key, err := bson.ObjectIDFromHex(string(id))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// database is where a store keeps its videos.
func database(t *testing.T, store *Store) *mongo.Database {
	t.Helper()
	return videos(t, store).files.Database()
}

func videos(t *testing.T, store *Store) bucket {
	t.Helper()
	bucket, err := store.bucket(blob.Video)
	if err != nil {
		t.Fatal(err)
	}
	return bucket
}

func begin(t *testing.T, store blob.Store, id conversion.ID) *writer {
	t.Helper()
	w, err := store.Create(t.Context(), blob.Video, id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Abort() })
	own, ok := w.(*writer)
	if !ok {
		t.Fatalf("create returned a %T", w)
	}
	return own
}

func write(t *testing.T, w io.Writer, data []byte) {
	t.Helper()
	if n, err := w.Write(data); n != len(data) || err != nil {
		t.Fatalf("write of %d bytes: %d, %v", len(data), n, err)
	}
}

func put(t *testing.T, store blob.Store, id conversion.ID, data []byte, meta blob.Meta) {
	t.Helper()
	w := begin(t, store, id)
	write(t, w, data)
	if err := w.Commit(t.Context(), meta); err != nil {
		t.Fatalf("commit: %v", err)
	}
}

func read(t *testing.T, store blob.Store, id conversion.ID) ([]byte, error) {
	t.Helper()
	r, err := store.Open(t.Context(), blob.Video, id)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func wantContent(t *testing.T, store blob.Store, id conversion.ID, want []byte) {
	t.Helper()
	got, err := read(t, store, id)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %d bytes, %v; want the %d that were written", len(got), err, len(want))
	}
}

// pattern returns bytes that differ wherever two blobs are mixed.
func pattern(text string, size int) []byte {
	return []byte(strings.Repeat(text, size/len(text)+1)[:size])
}

// TestReadByOthers has the driver's own bucket read what the store wrote, as a program of the first version does.
func TestReadByOthers(t *testing.T) {
	store, id := open(t), newID()
	data := pattern("unreel ", 2*chunkSize+77)
	meta := blob.Meta{Owner: "42", ContentType: "video/mp4", SHA256: "ab12"}
	put(t, store, id, data, meta)

	stream, err := database(t, store).GridFSBucket().OpenDownloadStream(t.Context(), key(t, id))
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	got, err := io.ReadAll(stream)
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("read %d bytes, %v; want the %d that were written", len(got), err, len(data))
	}
	var found bson.M
	if err := bson.Unmarshal(stream.GetFile().Metadata, &found); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(bson.M{"owner": "42", "content_type": "video/mp4", "sha256": "ab12"}, found); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	if file := stream.GetFile(); file.ChunkSize != chunkSize || file.Length != int64(len(data)) || time.Since(file.UploadDate).Abs() > time.Hour {
		t.Errorf("file is %+v", file)
	}
}

// TestReadOfOthers reads what the driver's own bucket wrote, in chunks of any size and without metadata.
func TestReadOfOthers(t *testing.T) {
	for name, size := range map[string]int32{"small": 1000, "usual": 255 << 10, "large": 3 << 20} {
		t.Run(name, func(t *testing.T) {
			store, id := open(t), newID()
			data := pattern("first version ", 700_001)
			upload := options.GridFSUpload().SetChunkSizeBytes(size)
			bucket := database(t, store).GridFSBucket()
			if err := bucket.UploadFromStreamWithID(t.Context(), key(t, id), "", bytes.NewReader(data), upload); err != nil {
				t.Fatal(err)
			}
			wantContent(t, store, id, data)
			r, err := store.Open(t.Context(), blob.Video, id)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			got := make([]byte, 3000)
			if _, err := r.Seek(299_500, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, data[299_500:302_500]) {
				t.Errorf("a range is not what was written: %v", err)
			}
			if err := store.Delete(t.Context(), blob.Video, id); err != nil {
				t.Fatal(err)
			}
			wantDocuments(t, store, 0, 0, 0)
		})
	}
}

// wantDocuments counts what the collections hold.
func wantDocuments(t *testing.T, store *Store, files, chunks, claims int64) {
	t.Helper()
	got := map[string]int64{}
	for _, name := range []string{"fs.files", "fs.chunks", "fs.staging"} {
		n, err := database(t, store).Collection(name).CountDocuments(t.Context(), bson.D{})
		if err != nil {
			t.Fatal(err)
		}
		got[name] = n
	}
	want := map[string]int64{"fs.files": files, "fs.chunks": chunks, "fs.staging": claims}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
}

func TestIndexes(t *testing.T) {
	store := open(t)
	for range 2 {
		if err := store.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for collection, want := range map[string]string{
		"fs.files": "filename_1_uploadDate_1", "fs.chunks": "files_id_1_n_1", "fs.staging": "conversion_1",
	} {
		specs, err := database(t, store).Collection(collection).Indexes().ListSpecifications(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, spec := range specs {
			found = found || spec.Name == want && (spec.Unique != nil && *spec.Unique) == (collection == "fs.chunks")
		}
		if !found {
			t.Errorf("%s has no index %s as the specification wants it", collection, want)
		}
	}
}
