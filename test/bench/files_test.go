package bench

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/test/harness"
)

// bareFiles carries the bytes of one conversion to the cluster's blob server and back as the least that any program has to:
// a document in for the video and out again, and one in for the MP3.
type bareFiles struct {
	output string // where the MP3 is made
	video  []byte
	chunks *mongo.Collection
}

func newBareFiles(b *testing.B, c *harness.Cluster, video string) *bareFiles {
	b.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(c.Blobs.URL()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := client.Disconnect(b.Context()); err != nil && b.Context().Err() == nil {
			b.Error(err)
		}
	})
	content, err := os.ReadFile(video)
	if err != nil {
		b.Fatal(err)
	}
	return &bareFiles{
		output: filepath.Join(b.TempDir(), "bare.mp3"), video: content, chunks: client.Database("bench").Collection("fs.chunks"),
	}
}

// forget removes every file: FerretDB reads all of a collection to find one document.
func (f *bareFiles) forget(b *testing.B) {
	b.Helper()
	client := f.chunks.Database().Client()
	for _, name := range []string{f.chunks.Database().Name(), string(blob.Video), string(blob.MP3)} {
		if _, err := client.Database(name).Collection("fs.chunks").DeleteMany(b.Context(), bson.D{}); err != nil {
			b.Fatal(err)
		}
	}
}

// carry returns how long it took.
func (f *bareFiles) carry(b *testing.B) time.Duration {
	b.Helper()
	mp3, err := os.ReadFile(f.output)
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	f.get(b, f.put(b, f.video))
	f.put(b, mp3)
	return time.Since(began)
}

func (f *bareFiles) put(b *testing.B, content []byte) bson.ObjectID {
	b.Helper()
	id := bson.NewObjectID()
	if _, err := f.chunks.InsertOne(b.Context(), bson.D{{Key: "_id", Value: id}, {Key: "data", Value: content}}); err != nil {
		b.Fatal(err)
	}
	return id
}

func (f *bareFiles) get(b *testing.B, id bson.ObjectID) {
	b.Helper()
	found := f.chunks.FindOne(b.Context(), bson.D{{Key: "_id", Value: id}})
	if _, err := found.Raw(); err != nil {
		b.Fatal(err)
	}
}
