package gridfs

import (
	"context"
	"maps"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/unreel/unreel/internal/store/blob"
)

// supersede puts this writer's chunks in place of what is stored under the claimed id. A file of a later claim stays, and
// so does one that has the same bytes already: what is there must not be put at risk for nothing.
func (w *writer) supersede(ctx context.Context, meta blob.Meta) error {
	if err := w.verify(ctx, w.mark); err != nil {
		return err
	}
	old, exists, err := w.bucket.find(ctx, w.id)
	switch {
	case err != nil:
		return err
	case !exists:
		return w.replace(ctx, nil, meta)
	case old.Fence > meta.Fence:
		return blob.ErrSuperseded
	}
	same, err := w.isSame(ctx, old, meta)
	if err != nil {
		return err
	}
	if same {
		return w.keep(ctx, old, meta)
	}
	return w.replace(ctx, &old, meta)
}

// isSame tells whether a file is whole and has this writer's bytes.
func (w *writer) isSame(ctx context.Context, old file, meta blob.Meta) (bool, error) {
	sound := old.check() == nil
	if !sound || meta.SHA256 == "" || old.sha256() != meta.SHA256 || old.Length != w.length {
		return false, nil
	}
	chunks, err := w.bucket.chunks.CountDocuments(ctx, bson.D{{Key: "files_id", Value: w.id}, madeBy(old.Writer)})
	return chunks == old.count(), err
}

// keep leaves a file where it is and makes it that of this writer's claim.
func (w *writer) keep(ctx context.Context, old file, meta blob.Meta) error {
	if old.Fence < meta.Fence {
		raise := bson.D{{Key: "$set", Value: bson.D{{Key: "fence", Value: meta.Fence}}}}
		raised, err := w.bucket.files.UpdateOne(ctx, append(byID(w.id), madeBy(old.Writer)), raise)
		if err != nil {
			return err
		}
		if raised.MatchedCount == 0 {
			return errLost
		}
	}
	return w.remove(ctx)
}

// replace removes what is stored under the id, nil for no file, and moves this writer's chunks there. Whatever it removes
// it has seen while it held the claim: if it stands still on the way and another commits meanwhile, that one's blob stays.
func (w *writer) replace(ctx context.Context, old *file, meta blob.Meta) error {
	strays, err := w.strays(ctx)
	if err != nil {
		return err
	}
	if old != nil {
		removed, err := w.bucket.files.DeleteOne(ctx, append(byID(w.id), madeBy(old.Writer)))
		if err != nil {
			return err
		}
		if removed.DeletedCount == 0 {
			return errLost
		}
	}
	if _, err := w.bucket.chunks.DeleteMany(ctx, strays); err != nil {
		return err
	}
	if w.chunks > 0 {
		move := bson.D{{Key: "$set", Value: bson.D{{Key: "files_id", Value: w.id}}}}
		moved, err := w.bucket.chunks.UpdateMany(ctx, bson.D{{Key: "files_id", Value: w.mark}}, move)
		if err != nil {
			return lostIfDuplicate(err)
		}
		if moved.ModifiedCount != int64(w.chunks) {
			return errLost
		}
	}
	return w.publish(ctx, meta)
}

// strays returns what finds the chunks of others under the claimed id. Nobody else's get there as long as the claim is
// this writer's, which it makes sure of after it has looked.
func (w *writer) strays(ctx context.Context) (bson.D, error) {
	here := bson.E{Key: "files_id", Value: w.id}
	writers, err := w.bucket.writers(ctx, bson.D{here})
	if err != nil {
		return nil, err
	}
	writers = slices.DeleteFunc(writers, func(writer bson.ObjectID) bool { return writer == w.mark })
	return bson.D{here, {Key: "$or", Value: bson.A{
		bson.D{{Key: "writer", Value: bson.D{{Key: "$in", Value: writers}}}},
		bson.D{madeBy(bson.NilObjectID)},
	}}}, w.verify(ctx, w.id)
}

// madeBy finds what a writer has made; for bson.NilObjectID, what another program has.
func madeBy(writer bson.ObjectID) bson.E {
	if writer.IsZero() {
		return bson.E{Key: "writer", Value: bson.D{{Key: "$exists", Value: false}}}
	}
	return bson.E{Key: "writer", Value: writer}
}

// writers returns who has made the chunks that a filter finds, each once. Other programs have no mark.
func (b bucket) writers(ctx context.Context, filter bson.D) ([]bson.ObjectID, error) {
	cursor, err := b.chunks.Find(ctx, filter, options.Find().SetProjection(byField("writer")))
	if err != nil {
		return nil, err
	}
	var found []chunk
	if err := cursor.All(ctx, &found); err != nil {
		return nil, err
	}
	seen := map[bson.ObjectID]bool{}
	for _, chunk := range found {
		seen[chunk.Writer] = true
	}
	delete(seen, bson.NilObjectID)
	return slices.AppendSeq([]bson.ObjectID{}, maps.Keys(seen)), nil
}
