package gridfs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/blob"
)

// How much a reader asks for at once, in bytes: little after a seek, as it may not go on, then more.
const (
	firstBatch = chunkSize
	nextBatch  = 4 * chunkSize
)

// errDamaged says that a file's chunks are not what its document says, or not all of one writer.
var errDamaged = errors.New("blob is damaged or was replaced while it was read")

// Open finds the file's document. Reads end with the context.
func (s *Store) Open(ctx context.Context, kind blob.Kind, id conversion.ID) (blob.Reader, error) {
	bucket, key, err := s.locate(kind, id)
	if err != nil {
		return nil, err
	}
	var found file
	err = s.contact(ctx, func(ctx context.Context) error {
		var exists bool
		var err error
		if found, exists, err = bucket.find(ctx, key); err == nil && !exists {
			err = blob.ErrNotFound
		}
		return err
	})
	if err == nil {
		err = found.check()
	}
	if err != nil {
		return nil, fmt.Errorf("open %s %s: %w", kind, id, err)
	}
	return &reader{
		run: s.runner(ctx), chunks: bucket.chunks, file: found, index: -1, expected: -1,
		info: blob.Info{ID: idOf(key), Size: found.Length, Modified: found.UploadDate},
	}, nil
}

// reader reads a file, a few chunks by each query. It leaves nothing open on the server between two Reads, so
// a reader that pauses for an hour reads on, and so does one whose server was started again.
type reader struct {
	run    runner
	chunks *mongo.Collection
	file   file
	info   blob.Info

	offset   int64         // where the next Read begins
	batch    *mongo.Cursor // nil, or what the last query found and was not read yet
	expected int64         // the chunk that is next in batch, or would be if it had more
	data     []byte        // of the current chunk, within batch
	index    int64         // the current chunk; -1: none
	closed   bool
}

// Info describes the blob as it was when it was opened.
func (r *reader) Info() blob.Info { return r.info }

// Read reads what is left of the current chunk, fetching it first if need be.
func (r *reader) Read(p []byte) (int, error) {
	switch {
	case r.closed:
		return 0, fs.ErrClosed
	case len(p) == 0:
		return 0, nil
	case r.offset >= r.file.Length:
		return 0, io.EOF
	}
	if index := r.offset / r.file.ChunkSize; index != r.index {
		if err := r.load(index); err != nil {
			return 0, fmt.Errorf("read blob %s: %w", r.info.ID, err)
		}
	}
	n := copy(p, r.data[r.offset-r.index*r.file.ChunkSize:])
	r.offset += int64(n)
	return n, nil
}

// load makes a chunk the current one.
func (r *reader) load(index int64) error {
	r.data, r.index = nil, -1
	if r.batch == nil || r.batch.RemainingBatchLength() == 0 || index != r.expected {
		if err := r.query(index); err != nil {
			return err
		}
	}
	more := false
	err := r.run(func(ctx context.Context) error {
		more = r.batch.Next(ctx)
		return r.batch.Err()
	})
	if err == nil && !more {
		err = fmt.Errorf("%w: chunk %d of %d is missing", errDamaged, index, r.file.count())
	}
	if err == nil {
		err = r.take(index)
	}
	if err != nil {
		return errors.Join(err, r.drop())
	}
	r.expected = index + 1
	return nil
}

// query asks for chunks from an index on.
func (r *reader) query(index int64) error {
	if err := r.drop(); err != nil {
		return err
	}
	size := int64(firstBatch)
	if index == r.expected {
		size = nextBatch
	}
	limit := min(max(1, size/r.file.ChunkSize), r.file.count()-index)
	return r.run(func(ctx context.Context) (err error) {
		// A negative limit asks for one reply and leaves no cursor on the server.
		r.batch, err = r.chunks.Find(ctx, r.filter(index, limit), options.Find().
			SetSort(bson.D{{Key: "n", Value: 1}}).
			SetLimit(-limit))
		return err
	})
}

// filter finds a number of chunks.
func (r *reader) filter(index, count int64) bson.D {
	if index == 0 && count == 1 && !r.file.First.IsZero() {
		return byID(r.file.First)
	}
	return bson.D{
		{Key: "files_id", Value: r.file.ID},
		{Key: "n", Value: bson.D{{Key: "$gte", Value: index}, {Key: "$lt", Value: index + count}}},
	}
}

// take checks that the batch's next chunk is the one that is wanted, whole and by the file's own writer.
func (r *reader) take(index int64) error {
	current := r.batch.Current
	n, ok := current.Lookup("n").AsInt64OK()
	if !ok || n != index {
		return fmt.Errorf("%w: chunk %d of %d is missing", errDamaged, index, r.file.count())
	}
	if writer, _ := current.Lookup("writer").ObjectIDOK(); writer != r.file.Writer {
		return fmt.Errorf("%w: chunk %d is of another writer", errDamaged, index)
	}
	_, data, ok := current.Lookup("data").BinaryOK()
	want := min(r.file.ChunkSize, r.file.Length-index*r.file.ChunkSize)
	if !ok || int64(len(data)) != want {
		return fmt.Errorf("%w: chunk %d has %d bytes and should have %d", errDamaged, index, len(data), want)
	}
	r.data, r.index = data, index
	return nil
}

// drop gives up what is left of a batch.
func (r *reader) drop() error {
	if r.batch == nil {
		return nil
	}
	batch := r.batch
	r.batch = nil
	return r.run(batch.Close)
}

// Seek sets where the next Read begins.
func (r *reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += r.offset
	case io.SeekEnd:
		offset += r.file.Length
	default:
		return 0, fmt.Errorf("seek in blob %s: no such place to seek from: %d", r.info.ID, whence)
	}
	switch {
	case r.closed:
		return 0, fs.ErrClosed
	case offset < 0:
		return 0, fmt.Errorf("seek in blob %s: %d is before its start", r.info.ID, offset)
	}
	r.offset = offset
	return offset, nil
}

// Close gives up what was fetched.
func (r *reader) Close() error {
	if r.closed {
		return nil
	}
	r.closed, r.data = true, nil
	if err := r.drop(); err != nil {
		return fmt.Errorf("close blob %s: %w", r.info.ID, err)
	}
	return nil
}
