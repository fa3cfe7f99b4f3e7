package gridfs

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/blob"
)

// Delete removes a blob, and what writers of its id left or are writing: they cannot commit any more.
func (s *Store) Delete(ctx context.Context, kind blob.Kind, id conversion.ID) error {
	bucket, key, err := s.locate(kind, id)
	if err != nil {
		return err
	}
	if err := s.runBulk(ctx, func(ctx context.Context) error { return bucket.remove(ctx, key) }); err != nil {
		return fmt.Errorf("delete %s %s: %w", kind, id, err)
	}
	return nil
}

// remove removes the file first, so that none is without its chunks, then the claims, so that nobody goes on writing, then
// the chunks. After a crash on the way List still finds these.
func (b bucket) remove(ctx context.Context, id bson.ObjectID) error {
	places, err := b.places(ctx, id)
	if err != nil {
		return err
	}
	if _, err := b.files.DeleteOne(ctx, byID(id)); err != nil {
		return fmt.Errorf("file: %w", err)
	}
	if _, err := b.claims.DeleteMany(ctx, bson.D{{Key: "conversion", Value: id}}); err != nil {
		return fmt.Errorf("claims: %w", err)
	}
	filter := bson.D{{Key: "files_id", Value: bson.D{{Key: "$in", Value: places}}}}
	if _, err := b.chunks.DeleteMany(ctx, filter); err != nil {
		return fmt.Errorf("chunks: %w", err)
	}
	return nil
}

// places returns every files_id under which chunks of a conversion lie.
func (b bucket) places(ctx context.Context, id bson.ObjectID) (bson.A, error) {
	claims, err := b.claimsOf(ctx, bson.D{{Key: "conversion", Value: id}})
	if err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	places := bson.A{id}
	for _, claim := range claims {
		places = append(places, claim.Writer)
	}
	return places, nil
}
