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

// appender adds to a blob that is written in pieces. All appenders of a blob share one claim, and the conversion's id as
// their writer's mark; what tells them apart is the fence in each of their documents. Whole chunks lie where they stay and
// are never changed: an appender that meets another's puts its own in that one's place if its fence is the higher one, and
// else gives up. What does not fill a chunk at a mark is kept as a tail in fs.staging, under an _id that the mark names.
//
// So an appender that was stopped, and does not know that others have gone on, can only add what they will replace.
type appender struct {
	store  *Store
	bucket bucket
	id     bson.ObjectID
	fence  int64
	run    runner

	buffer  []byte        // behind the last whole chunk
	first   bson.ObjectID // the first chunk's _id, if this appender made it
	next    int32         // the number of the chunk that the buffer will be
	before  bson.ObjectID // the tail of the mark before the last, if it has one
	last    bson.ObjectID // that of the last mark
	failure error         // why it can never be committed
	settled bool
}

// tail is a document of fs.staging that also has the bytes between the last whole chunk and a mark.
type tail struct {
	Claim claim  `bson:",inline"`
	N     int32  `bson:"n"`
	Data  []byte `bson:"data"`
}

// Append goes on at a mark.
func (s *Store) Append(ctx context.Context, kind blob.Kind, id conversion.ID, fence int64, from blob.Mark) (blob.Appender, error) {
	bucket, key, err := s.locate(kind, id)
	if err != nil {
		return nil, err
	}
	if err := s.prepare(ctx, kind, bucket); err != nil {
		return nil, fmt.Errorf("append to %s %s: %w", kind, id, err)
	}
	a := &appender{store: s, bucket: bucket, id: key, fence: fence, run: s.runner(ctx), next: int32(from.Size / chunkSize)}
	if err := s.contact(ctx, func(ctx context.Context) error { return a.begin(ctx, from) }); err != nil {
		return nil, fmt.Errorf("append to %s %s: %w", kind, id, err)
	}
	return a, nil
}

// begin takes back a commit that nobody has noted, makes sure of the claim and loads the tail.
func (a *appender) begin(ctx context.Context, from blob.Mark) error {
	committed, exists, err := a.bucket.find(ctx, a.id)
	switch {
	case err != nil:
		return err
	case exists && committed.Fence > a.fence:
		return blob.ErrSuperseded
	case exists:
		if err := a.takeBack(ctx, committed, from); err != nil {
			return err
		}
	case from.Size == 0:
		if err := a.claim(ctx); err != nil {
			return err
		}
	}
	if err := a.raise(ctx); err != nil {
		return err
	}
	if err := a.load(ctx, from); err != nil {
		return err
	}
	return a.forgetTails(ctx)
}

// claim marks the blob as being written; it may be already.
func (a *appender) claim(ctx context.Context) error {
	_, err := a.bucket.claims.InsertOne(ctx, a.claimOf(a.id))
	if mongo.IsDuplicateKeyError(err) {
		return nil
	}
	return err
}

// raise makes the claim bear this appender's fence, so that earlier ones find out.
func (a *appender) raise(ctx context.Context) error {
	held, exists, err := a.bucket.claimAt(ctx, a.id)
	switch {
	case err != nil:
		return err
	case !exists || held.Writer != a.id:
		return blob.ErrNotFound
	case held.Fence > a.fence:
		return blob.ErrSuperseded
	}
	older := append(byID(a.id), bson.E{Key: "fence", Value: bson.D{{Key: "$lt", Value: a.fence}}})
	_, err = a.bucket.claims.UpdateOne(ctx, older, bson.D{{Key: "$set", Value: bson.D{{Key: "fence", Value: a.fence}}}})
	return err
}

func (a *appender) claimOf(id bson.ObjectID) claim {
	return claim{ID: id, Conversion: a.id, Writer: a.id, Created: time.Now().UTC(), Fence: a.fence}
}

// takeBack undoes a commit. That has removed the claim and the tail, whose bytes are also in the chunk that they became
// part of: they are put back before the file goes, so that a crash in between loses nothing.
func (a *appender) takeBack(ctx context.Context, committed file, from blob.Mark) error {
	if err := a.restoreTail(ctx, from); err != nil {
		return err
	}
	if err := a.claim(ctx); err != nil {
		return err
	}
	_, err := a.bucket.files.DeleteOne(ctx, append(byID(a.id), bson.E{Key: "fence", Value: committed.Fence}))
	return err
}

// tailOf is where the tail of a mark is kept, and how many bytes it has: none where the mark is between two chunks.
func tailOf(from blob.Mark) (key bson.ObjectID, size int64, err error) {
	if size = from.Size % chunkSize; size == 0 {
		return key, 0, nil
	}
	if key, err = bson.ObjectIDFromHex(from.Place); err != nil {
		err = blob.ErrNotFound
	}
	return key, size, err
}

func (a *appender) restoreTail(ctx context.Context, from blob.Mark) error {
	key, size, err := tailOf(from)
	if size == 0 || err != nil {
		return err
	}
	whole, exists, err := a.bucket.chunkAt(ctx, a.id, a.next)
	if err != nil || !exists || int64(len(whole.Data)) < size {
		return err // load will say what is missing
	}
	_, err = a.bucket.claims.InsertOne(ctx, tail{Claim: a.claimOf(key), N: a.next, Data: whole.Data[:size]})
	if mongo.IsDuplicateKeyError(err) {
		return nil
	}
	return err
}

// load reads the tail of a mark into the buffer.
func (a *appender) load(ctx context.Context, from blob.Mark) error {
	key, size, err := tailOf(from)
	if size == 0 || err != nil {
		return err
	}
	var found tail
	err = a.bucket.claims.FindOne(ctx, append(byID(key), bson.E{Key: "conversion", Value: a.id})).Decode(&found)
	if errors.Is(err, mongo.ErrNoDocuments) || err == nil && (found.N != a.next || int64(len(found.Data)) != size) {
		return blob.ErrNotFound
	}
	if err != nil {
		return err
	}
	a.buffer, a.last = found.Data, key
	return nil
}

// forgetTails removes what earlier appenders left, but for the tail of the mark that this one began at.
func (a *appender) forgetTails(ctx context.Context) error {
	_, err := a.bucket.claims.DeleteMany(ctx, bson.D{
		{Key: "conversion", Value: a.id},
		{Key: "_id", Value: bson.D{{Key: "$nin", Value: bson.A{a.id, a.last}}}},
		{Key: "fence", Value: bson.D{{Key: "$lt", Value: a.fence}}},
	})
	return err
}

// Write puts a chunk in its place whenever one is full. The first failure is final.
func (a *appender) Write(p []byte) (int, error) {
	if err := a.usable(); err != nil {
		return 0, err
	}
	written := 0
	for len(p) > 0 {
		n := min(len(p), chunkSize-len(a.buffer))
		a.buffer = append(a.buffer, p[:n]...)
		if len(a.buffer) == chunkSize {
			if a.failure = a.flush(); a.failure != nil {
				return written, a.failure
			}
		}
		written, p = written+n, p[n:]
	}
	return written, nil
}

func (a *appender) usable() error {
	if a.settled {
		return errSettled
	}
	return a.failure
}

// flush puts the buffer in its place as a chunk.
func (a *appender) flush() error {
	if err := a.run(a.store.enter); err != nil {
		return fmt.Errorf("wait to write blob: %w", err)
	}
	defer a.store.leave()
	next := chunk{ID: bson.NewObjectID(), FilesID: a.id, N: a.next, Data: a.buffer, Writer: a.id, Fence: a.fence}
	if err := a.run(func(ctx context.Context) error { return a.place(ctx, next) }); err != nil {
		return fmt.Errorf("write blob: %w", err)
	}
	if a.next == 0 {
		a.first = next.ID
	}
	a.next++
	a.buffer = a.buffer[:0]
	return nil
}

// place inserts a chunk, in place of one that an earlier appender has left.
func (a *appender) place(ctx context.Context, next chunk) error {
	for {
		_, err := a.bucket.chunks.InsertOne(ctx, next)
		if !mongo.IsDuplicateKeyError(err) {
			return err
		}
		there, exists, err := a.bucket.chunkAt(ctx, a.id, next.N)
		switch {
		case err != nil:
			return err
		case !exists:
			continue
		case there.ID == next.ID:
			return nil // an answer was lost, and the driver has tried again
		case there.Fence >= a.fence:
			return blob.ErrSuperseded
		}
		if _, err := a.bucket.chunks.DeleteOne(ctx, byID(there.ID)); err != nil {
			return err
		}
	}
}
