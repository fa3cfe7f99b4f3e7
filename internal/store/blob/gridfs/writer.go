package gridfs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/blob"
)

var (
	// errSettled says that a writer was used after Commit or Abort.
	errSettled = errors.New("blob writer is committed or aborted already")
	// errLost says that a claim is somebody else's, or nobody's since the blob was deleted.
	errLost = errors.New("blob was deleted or written by another meanwhile")
)

// checkInterval is how long a writer trusts that its claim is its own. One that was stopped for longer
// asks before it writes on.
const checkInterval = 5 * time.Second

// writer cuts a blob into chunks and holds at most one. Like any io.Writer it is for one goroutine.
type writer struct {
	store  *Store
	bucket bucket
	id     bson.ObjectID // the conversion's
	mark   bson.ObjectID // this writer's own
	direct bool          // it has claimed the id
	run    runner        // under the context of Create
	clean  runner        // works although that context is done

	buffer  []byte
	first   bson.ObjectID // the first chunk's _id
	chunks  int32         // inserted
	length  int64         // bytes inserted
	checked time.Time
	failure error // why it can never be committed
	settled bool
}

// runner runs an operation under a stream's context, which no Read or Write is given.
type runner func(operation func(context.Context) error) error

func (s *Store) runner(ctx context.Context) runner {
	return func(operation func(context.Context) error) error { return s.run(ctx, operation) }
}

// Create claims the blob. Writes end with the context.
func (s *Store) Create(ctx context.Context, kind blob.Kind, id conversion.ID) (blob.Writer, error) {
	bucket, key, err := s.locate(kind, id)
	if err != nil {
		return nil, err
	}
	if err := s.prepare(ctx, kind, bucket); err != nil {
		return nil, fmt.Errorf("create %s %s: %w", kind, id, err)
	}
	detached := context.WithoutCancel(ctx)
	w := &writer{
		store: s, bucket: bucket, id: key, mark: bson.NewObjectID(), run: s.runner(ctx),
		clean: func(operation func(context.Context) error) error { return s.runBulk(detached, operation) },
	}
	if err := s.contact(ctx, w.begin); err != nil {
		return nil, fmt.Errorf("create %s %s: %w", kind, id, err)
	}
	return w, nil
}

// begin claims the id if there is no file yet and nobody else has claimed it, and else notes where the chunks will be.
func (w *writer) begin(ctx context.Context) error {
	_, exists, err := w.bucket.find(ctx, w.id)
	if err != nil {
		return err
	}
	if !exists {
		err := w.claim(ctx, w.id)
		if err == nil || !mongo.IsDuplicateKeyError(err) {
			w.direct = true
			return err
		}
	}
	return w.claim(ctx, w.mark)
}

func (w *writer) claim(ctx context.Context, id bson.ObjectID) error {
	now := time.Now()
	_, err := w.bucket.claims.InsertOne(ctx, claim{ID: id, Conversion: w.id, Writer: w.mark, Created: now.UTC()})
	if err == nil {
		w.checked = now
	}
	return err
}

// place is the files_id of this writer's chunks, and the _id of what says so in fs.staging.
func (w *writer) place() bson.ObjectID {
	if w.direct {
		return w.id
	}
	return w.mark
}

// verify returns errLost unless a claim is still this writer's.
func (w *writer) verify(ctx context.Context, id bson.ObjectID) error {
	now := time.Now()
	holder, err := w.bucket.holder(ctx, id)
	if err != nil {
		return err
	}
	if holder != w.mark {
		return errLost
	}
	w.checked = now
	return nil
}

// Write inserts a chunk whenever one is full. The first failure is final.
func (w *writer) Write(p []byte) (int, error) {
	if w.settled {
		return 0, errSettled
	}
	if w.failure != nil {
		return 0, w.failure
	}
	written := 0
	for len(p) > 0 {
		n := min(len(p), chunkSize-len(w.buffer))
		if len(w.buffer) == 0 && n == chunkSize {
			w.failure = w.insert(w.run, p[:n])
		} else if w.buffer = append(w.buffer, p[:n]...); len(w.buffer) == chunkSize {
			w.failure = w.flush(w.run)
		}
		if w.failure != nil {
			return written, w.failure
		}
		written, p = written+n, p[n:]
	}
	return written, nil
}

// flush inserts what is held back.
func (w *writer) flush(run runner) error {
	if len(w.buffer) == 0 {
		return nil
	}
	err := w.insert(run, w.buffer)
	w.buffer = w.buffer[:0]
	return err
}

// insert inserts the next chunk, when not too many others are on their way.
func (w *writer) insert(run runner, data []byte) error {
	if err := run(w.store.enter); err != nil {
		return fmt.Errorf("wait to write blob: %w", err)
	}
	defer w.store.leave()
	next := chunk{ID: bson.NewObjectID(), FilesID: w.place(), N: w.chunks, Data: data, Writer: w.mark}
	if err := run(func(ctx context.Context) error { return w.insertOne(ctx, next) }); err != nil {
		return fmt.Errorf("write blob: %w", err)
	}
	if w.chunks == 0 {
		w.first = next.ID
	}
	w.chunks++
	w.length += int64(len(data))
	return nil
}

// enter waits until another chunk may be on its way.
func (s *Store) enter(ctx context.Context) error {
	select {
	case s.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) leave() { <-s.slots }

func (w *writer) insertOne(ctx context.Context, next chunk) error {
	if time.Since(w.checked) > checkInterval {
		if err := w.verify(ctx, w.place()); err != nil {
			return err
		}
	}
	_, err := w.bucket.chunks.InsertOne(ctx, next)
	if !mongo.IsDuplicateKeyError(err) {
		return err
	}
	if err := w.sweep(ctx); err != nil {
		return err
	}
	_, err = w.bucket.chunks.InsertOne(ctx, next)
	return err
}

// sweep removes chunks of the claimed id that are neither this writer's nor a file's: a writer that was stopped
// left them after its claim was broken or its blob deleted.
func (w *writer) sweep(ctx context.Context) error {
	if !w.direct {
		return errLost
	}
	strays, err := w.strays(ctx)
	if err != nil {
		return err
	}
	_, exists, err := w.bucket.find(ctx, w.id)
	if err != nil {
		return err
	}
	if exists {
		return errLost
	}
	_, err = w.bucket.chunks.DeleteMany(ctx, strays)
	return err
}

// Abort removes what was written, unless Commit has succeeded.
func (w *writer) Abort() error {
	if w.settled {
		return nil
	}
	w.settled = true
	w.buffer = nil
	if err := w.clean(w.remove); err != nil {
		return fmt.Errorf("abort blob: %w", err)
	}
	return nil
}

// remove removes everything that bears this writer's mark: the file first, so that none is without its chunks.
func (w *writer) remove(ctx context.Context) error {
	mine := bson.E{Key: "writer", Value: w.mark}
	if _, err := w.bucket.files.DeleteOne(ctx, append(byID(w.id), mine)); err != nil {
		return err
	}
	places := bson.D{{Key: "$in", Value: bson.A{w.id, w.mark}}}
	if _, err := w.bucket.chunks.DeleteMany(ctx, bson.D{{Key: "files_id", Value: places}, mine}); err != nil {
		return err
	}
	_, err := w.bucket.claims.DeleteMany(ctx, bson.D{{Key: "conversion", Value: w.id}, mine})
	return err
}
