package gridfs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/unreel/unreel/internal/store/blob"
)

// Sync keeps what does not fill a chunk as a tail, and removes the tail of the mark before the last.
func (a *appender) Sync(ctx context.Context) (blob.Mark, error) {
	if err := cmp.Or(ctx.Err(), a.usable()); err != nil {
		return blob.Mark{}, err
	}
	var key bson.ObjectID
	mark := blob.Mark{Size: a.size()}
	if len(a.buffer) > 0 {
		key = bson.NewObjectID()
		mark.Place = key.Hex()
	}
	if err := a.store.run(ctx, func(ctx context.Context) error { return a.keepTail(ctx, key) }); err != nil {
		return blob.Mark{}, fmt.Errorf("sync blob: %w", err)
	}
	a.before, a.last = a.last, key
	return mark, nil
}

func (a *appender) size() int64 { return int64(a.next)*chunkSize + int64(len(a.buffer)) }

func (a *appender) keepTail(ctx context.Context, key bson.ObjectID) error {
	if !key.IsZero() {
		_, err := a.bucket.claims.InsertOne(ctx, tail{Claim: a.claimOf(key), N: a.next, Data: a.buffer})
		if err != nil && !mongo.IsDuplicateKeyError(err) {
			return err
		}
	}
	if a.before.IsZero() {
		return nil
	}
	_, err := a.bucket.claims.DeleteOne(ctx, byID(a.before))
	return err
}

// Commit inserts the file's document. If it fails, another appender can go on from the last mark.
func (a *appender) Commit(ctx context.Context, meta blob.Meta) error {
	if err := cmp.Or(ctx.Err(), a.usable()); err != nil {
		return err
	}
	if err := a.commit(ctx, meta); err != nil {
		a.failure = fmt.Errorf("commit blob: %w", err)
		return a.failure
	}
	a.settled, a.buffer = true, nil
	return nil
}

func (a *appender) commit(ctx context.Context, meta blob.Meta) error {
	length := a.size()
	if len(a.buffer) > 0 {
		if err := a.flush(); err != nil {
			return err
		}
	}
	about, err := bson.Marshal(metadata{Owner: meta.Owner, ContentType: meta.ContentType, SHA256: meta.SHA256})
	if err != nil {
		return err
	}
	made := file{
		ID: a.id, Length: length, ChunkSize: chunkSize, UploadDate: time.Now().UTC(),
		Filename: a.id.Hex(), Metadata: about, Writer: a.id, First: a.first, Fence: a.fence,
	}
	return a.store.runBulk(ctx, func(ctx context.Context) error { return a.publish(ctx, made) })
}

// publish inserts the file's document and gives up the claim. If there is none, the blob was deleted; but an earlier
// appender, who did not know of this one, may have given it up when it committed.
func (a *appender) publish(ctx context.Context, made file) error {
	if err := a.wantWhole(ctx, made.count()); err != nil {
		return err
	}
	hasty, err := a.removeEarlier(ctx)
	if err != nil {
		return err
	}
	held, exists, err := a.bucket.claimAt(ctx, a.id)
	switch {
	case err != nil:
		return err
	case held.Fence > a.fence:
		return blob.ErrSuperseded
	case !exists && !hasty:
		return errLost
	}
	if _, err := a.bucket.files.InsertOne(ctx, made); err != nil {
		return lostIfDuplicate(err)
	}
	released, err := a.bucket.claims.DeleteMany(ctx, bson.D{
		{Key: "conversion", Value: a.id},
		{Key: "fence", Value: bson.D{{Key: "$lte", Value: a.fence}}},
	})
	if err != nil {
		return err
	}
	if released.DeletedCount == 0 && !hasty {
		_, err := a.bucket.files.DeleteOne(ctx, append(byID(a.id), bson.E{Key: "fence", Value: a.fence}))
		return errors.Join(errLost, err)
	}
	return nil
}

// wantWhole wants all chunks to be there.
func (a *appender) wantWhole(ctx context.Context, count int64) error {
	here := bson.D{{Key: "files_id", Value: a.id}, {Key: "n", Value: bson.D{{Key: "$lt", Value: count}}}}
	found, err := a.bucket.chunks.CountDocuments(ctx, here)
	if err == nil && found != count {
		err = fmt.Errorf("%w: %d of %d chunks are there", errLost, found, count)
	}
	return err
}

// removeEarlier removes the file of an earlier appender, if there is one.
func (a *appender) removeEarlier(ctx context.Context) (bool, error) {
	committed, exists, err := a.bucket.find(ctx, a.id)
	switch {
	case err != nil || !exists:
		return false, err
	case committed.Fence >= a.fence:
		return false, blob.ErrSuperseded
	}
	removed, err := a.bucket.files.DeleteOne(ctx, append(byID(a.id), bson.E{Key: "fence", Value: committed.Fence}))
	return err == nil && removed.DeletedCount > 0, err
}

// Close gives up what was not kept. There is nothing to do on the server: another appender goes on.
func (a *appender) Close() error {
	a.settled, a.buffer = true, nil
	return nil
}
