package gridfs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/unreel/unreel/internal/store"
	"github.com/unreel/unreel/internal/store/blob"
)

// Commit makes the blob visible. If it fails, what was written is removed, by Abort if the server is away now.
func (w *writer) Commit(ctx context.Context, meta blob.Meta) error {
	if w.settled {
		return errSettled
	}
	if w.failure != nil {
		return w.failure
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	err := w.commit(ctx, meta)
	if err == nil {
		w.settled = true
		w.buffer = nil
		return nil
	}
	w.failure = fmt.Errorf("commit blob: %w", err)
	if errors.Is(err, store.ErrUnavailable) {
		return w.failure
	}
	return errors.Join(w.failure, w.Abort())
}

func (w *writer) commit(ctx context.Context, meta blob.Meta) error {
	if err := w.flush(w.store.runner(ctx)); err != nil {
		return err
	}
	if w.direct {
		return w.store.run(ctx, func(ctx context.Context) error { return w.publish(ctx, meta) })
	}
	if err := w.takeOver(ctx); err != nil {
		return err
	}
	return w.store.runBulk(ctx, func(ctx context.Context) error { return w.supersede(ctx, meta) })
}

// takeOver claims the id, waiting for its holder, which may be about to commit, but not for ever.
func (w *writer) takeOver(ctx context.Context) error {
	var holder bson.ObjectID
	var since time.Time
	for {
		var now bson.ObjectID
		err := w.store.run(ctx, func(ctx context.Context) (err error) {
			now, err = w.claimOrHolder(ctx)
			return err
		})
		if err != nil || now == w.mark {
			return err
		}
		if now != holder {
			holder, since = now, time.Now()
		} else if time.Since(since) > w.store.patience {
			if err := w.store.run(ctx, func(ctx context.Context) error { return w.breakClaim(ctx, holder) }); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20*time.Millisecond + rand.N(30*time.Millisecond)):
		}
	}
}

// claimOrHolder claims the id and returns this writer's mark, or that of whoever has claimed it.
func (w *writer) claimOrHolder(ctx context.Context) (bson.ObjectID, error) {
	err := w.claim(ctx, w.id)
	switch {
	case err == nil:
		return w.mark, nil
	case mongo.IsDuplicateKeyError(err):
		return w.bucket.holder(ctx, w.id)
	default:
		return bson.NilObjectID, err
	}
}

func (w *writer) breakClaim(ctx context.Context, holder bson.ObjectID) error {
	_, err := w.bucket.claims.DeleteOne(ctx, append(byID(w.id), bson.E{Key: "writer", Value: holder}))
	return err
}

// publish inserts the file's document and gives up the claims. If the claim on the id has gone before that,
// somebody deleted or replaced the blob, maybe with these chunks, and the file must not stay.
func (w *writer) publish(ctx context.Context, meta blob.Meta) error {
	if err := w.verify(ctx, w.id); err != nil {
		return err
	}
	about, err := bson.Marshal(metadata{Owner: meta.Owner, ContentType: meta.ContentType, SHA256: meta.SHA256})
	if err != nil {
		return err
	}
	_, err = w.bucket.files.InsertOne(ctx, file{
		ID: w.id, Length: w.length, ChunkSize: chunkSize, UploadDate: time.Now().UTC(),
		Filename: w.id.Hex(), Metadata: about, Writer: w.mark, First: w.first, Fence: meta.Fence,
	})
	if err != nil {
		return lostIfDuplicate(err)
	}
	released, err := w.bucket.claims.DeleteOne(ctx, append(byID(w.id), bson.E{Key: "writer", Value: w.mark}))
	if err != nil {
		return err
	}
	if released.DeletedCount == 0 {
		return errLost
	}
	if w.direct {
		return nil
	}
	_, err = w.bucket.claims.DeleteOne(ctx, byID(w.mark))
	return err
}

func lostIfDuplicate(err error) error {
	if mongo.IsDuplicateKeyError(err) {
		return errLost
	}
	return err
}
