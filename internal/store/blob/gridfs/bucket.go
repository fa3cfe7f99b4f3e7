package gridfs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/blob"
)

// chunkSize in bytes: fewer documents than the usual 255 KiB, and small enough to hold one for each upload.
const chunkSize = 1 << 20

// bucket is the collections of one kind.
type bucket struct {
	files, chunks, claims *mongo.Collection
}

// file is a document of fs.files. Another program's has none of our own fields and any chunk size.
type file struct {
	ID         bson.ObjectID `bson:"_id"`
	Length     int64         `bson:"length"` // bytes
	ChunkSize  int64         `bson:"chunkSize"`
	UploadDate time.Time     `bson:"uploadDate"`
	Filename   string        `bson:"filename,omitempty"`
	Metadata   bson.Raw      `bson:"metadata,omitempty"`
	Writer     bson.ObjectID `bson:"writer,omitempty"`
	// First is the first chunk's _id. Most blobs have one chunk, and an _id is what every server finds fastest.
	First bson.ObjectID `bson:"first,omitempty"`
	Fence int64         `bson:"fence,omitempty"` // of the claim under which it was made
}

// sha256 is what the writer said, or empty.
func (f file) sha256() string {
	text, _ := f.Metadata.Lookup("sha256").StringValueOK()
	return text
}

// count is how many chunks the file has.
func (f file) count() int64 { return (f.Length + f.ChunkSize - 1) / f.ChunkSize }

// check refuses what no GridFS file looks like.
func (f file) check() error {
	if f.Length < 0 || f.ChunkSize <= 0 {
		return fmt.Errorf("file says that it has %d bytes in chunks of %d", f.Length, f.ChunkSize)
	}
	return nil
}

// metadata is what other programs find beside a file.
type metadata struct {
	Owner       string `bson:"owner"`
	ContentType string `bson:"content_type"`
	SHA256      string `bson:"sha256"`
}

// chunk is a document of fs.chunks.
type chunk struct {
	ID      bson.ObjectID `bson:"_id"`
	FilesID bson.ObjectID `bson:"files_id"`
	N       int32         `bson:"n"`
	Data    []byte        `bson:"data"`
	Writer  bson.ObjectID `bson:"writer"`
	Fence   int64         `bson:"fence,omitempty"` // of the claim of an appender
}

// claim is a document of fs.staging: somebody writes a blob. Its _id is the conversion's if the writer's chunks
// lie, or are about to lie, where a reader looks, and else the writer's.
type claim struct {
	ID         bson.ObjectID `bson:"_id"`
	Conversion bson.ObjectID `bson:"conversion"`
	Writer     bson.ObjectID `bson:"writer"`
	Created    time.Time     `bson:"created"`
	Fence      int64         `bson:"fence,omitempty"` // of an appender
}

// bucket returns the collections of a kind.
func (s *Store) bucket(kind blob.Kind) (bucket, error) {
	if !slices.Contains(blob.Kinds, kind) {
		return bucket{}, fmt.Errorf("no such kind of blob: %q", kind)
	}
	client, err := s.connect()
	if err != nil {
		return bucket{}, err
	}
	name, ok := s.config.Databases[kind]
	if !ok {
		name = string(kind)
	}
	database := client.Database(name)
	return bucket{
		files:  database.Collection("fs.files"),
		chunks: database.Collection("fs.chunks"),
		claims: database.Collection("fs.staging"),
	}, nil
}

// locate returns the collections and the _id of a blob. An id is parsed again here, whoever sent it.
func (s *Store) locate(kind blob.Kind, id conversion.ID) (bucket, bson.ObjectID, error) {
	id, err := conversion.ParseID(string(id))
	if err != nil {
		return bucket{}, bson.NilObjectID, fmt.Errorf("blob id: %w", err)
	}
	key, err := bson.ObjectIDFromHex(string(id))
	if err != nil {
		return bucket{}, bson.NilObjectID, fmt.Errorf("blob id: %w", err)
	}
	bucket, err := s.bucket(kind)
	return bucket, key, err
}

// index makes the indexes that the specification names, and that of the claims.
func (b bucket) index(ctx context.Context) error {
	wanted := map[*mongo.Collection]mongo.IndexModel{
		b.files:  {Keys: bson.D{{Key: "filename", Value: 1}, {Key: "uploadDate", Value: 1}}},
		b.chunks: {Keys: bson.D{{Key: "files_id", Value: 1}, {Key: "n", Value: 1}}, Options: options.Index().SetUnique(true)},
		b.claims: {Keys: bson.D{{Key: "conversion", Value: 1}}},
	}
	for collection, model := range wanted {
		if _, err := collection.Indexes().CreateOne(ctx, model); err != nil {
			return fmt.Errorf("%s: %w", collection.Name(), err)
		}
	}
	return nil
}

// find reads a file's document, and says whether there is one.
func (b bucket) find(ctx context.Context, id bson.ObjectID) (found file, ok bool, err error) {
	err = b.files.FindOne(ctx, byID(id)).Decode(&found)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return file{}, false, nil
	}
	return found, err == nil, err
}

// holder returns whose claim has this _id; bson.NilObjectID if there is none.
func (b bucket) holder(ctx context.Context, id bson.ObjectID) (bson.ObjectID, error) {
	found, _, err := b.claimAt(ctx, id)
	return found.Writer, err
}

// claimAt reads one claim, and says whether there is one.
func (b bucket) claimAt(ctx context.Context, id bson.ObjectID) (found claim, ok bool, err error) {
	err = b.claims.FindOne(ctx, byID(id)).Decode(&found)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return claim{}, false, nil
	}
	return found, err == nil, err
}

// chunkAt reads one chunk, and says whether there is one.
func (b bucket) chunkAt(ctx context.Context, id bson.ObjectID, n int32) (found chunk, ok bool, err error) {
	err = b.chunks.FindOne(ctx, bson.D{{Key: "files_id", Value: id}, {Key: "n", Value: n}}).Decode(&found)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return chunk{}, false, nil
	}
	return found, err == nil, err
}

// claimsOf reads the claims that a filter finds, without the bytes that some have.
func (b bucket) claimsOf(ctx context.Context, filter bson.D) (claims []claim, err error) {
	cursor, err := b.claims.Find(ctx, filter, options.Find().SetProjection(bson.D{{Key: "data", Value: 0}}))
	if err != nil {
		return nil, err
	}
	err = cursor.All(ctx, &claims)
	return claims, err
}

func byID(id bson.ObjectID) bson.D { return bson.D{{Key: "_id", Value: id}} }

func idOf(id bson.ObjectID) conversion.ID { return conversion.ID(id.Hex()) }
