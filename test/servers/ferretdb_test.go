package servers_test

import (
	"bytes"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/unreel/unreel/test/servers"
)

func TestFerretDBDropsDatabasesWithTheirTest(t *testing.T) {
	address := servers.FerretDB(t)
	client := client(t, address)
	var name string
	t.Run("inner", func(t *testing.T) {
		name = servers.Database(t, address, "videos")
		if _, err := client.Database(name).Collection("notes").InsertOne(t.Context(), bson.D{}); err != nil {
			t.Fatal(err)
		}
	})
	names, err := client.ListDatabaseNames(t.Context(), bson.D{{Key: "name", Value: name}})
	if err != nil || len(names) > 0 {
		t.Errorf("after the test there are %q: %v", names, err)
	}
}

func TestFerretDBKeepsFilesWhenKilled(t *testing.T) {
	server := servers.NewFerretDB(t)
	bucket := client(t, server.URL()).Database(servers.Database(t, server.URL(), "mp3s")).GridFSBucket()
	want := bytes.Repeat([]byte("frame"), 100_000)
	id, err := bucket.UploadFromStream(t.Context(), "talk.mp3", bytes.NewReader(want))
	if err != nil {
		t.Fatal(err)
	}
	server.Kill(t)
	server.Restart(t)
	var got bytes.Buffer
	if _, err := bucket.DownloadToStream(t.Context(), id, &got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("got %d bytes, want the %d that were stored", got.Len(), len(want))
	}
}

func client(t *testing.T, address string) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(address))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Disconnect(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	return client
}
