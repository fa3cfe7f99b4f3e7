package gridfs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/unreel/unreel/internal/store/blob"
)

// page is how many documents are asked for at once.
const page = 500

// List yields the files that this program has written, then ids that are only claimed, then those of chunks that have neither file nor claim, of this
// program or of another. An id that is being written has the time when that began. Sizes are those of files.
func (s *Store) List(ctx context.Context, kind blob.Kind, before time.Time) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		bucket, err := s.bucket(kind)
		if err != nil {
			yield(blob.Info{}, err)
			return
		}
		l := &listing{store: s, bucket: bucket, before: before, written: map[bson.ObjectID]time.Time{}, writers: map[bson.ObjectID]bool{}}
		for _, part := range []func(context.Context) iter.Seq2[blob.Info, error]{l.files, l.claimed, l.strays} {
			for info, err := range part(ctx) {
				if err != nil {
					yield(blob.Info{}, fmt.Errorf("list %s: %w", kind, err))
					return
				}
				if info.Modified.Before(before) && !yield(info, nil) {
					return
				}
			}
		}
	}
}

// listing is one run of List.
type listing struct {
	store   *Store
	bucket  bucket
	before  time.Time
	written map[bson.ObjectID]time.Time // when the latest writer of a conversion began
	writers map[bson.ObjectID]bool      // whose chunks lie apart
}

// files yields what is committed, after it has noted who is writing.
func (l *listing) files(ctx context.Context) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		if err := l.store.run(ctx, l.note); err != nil {
			yield(blob.Info{}, err)
			return
		}
		for last := bson.NilObjectID; ; {
			var files []file
			err := l.store.run(ctx, func(ctx context.Context) (err error) {
				files, err = l.page(ctx, last)
				return err
			})
			if err != nil {
				yield(blob.Info{}, err)
				return
			}
			for _, found := range files {
				if !yield(l.infoOf(found), nil) {
					return
				}
				last = found.ID
			}
			if len(files) < page {
				return
			}
		}
	}
}

func (l *listing) note(ctx context.Context) error {
	claims, err := l.bucket.claimsOf(ctx, bson.D{})
	if err != nil {
		return err
	}
	for _, found := range claims {
		l.writers[found.Writer] = true
		if found.Created.After(l.written[found.Conversion]) {
			l.written[found.Conversion] = found.Created
		}
	}
	return nil
}

// page reads files by rising _id. A query each leaves no cursor open on the server while the caller deletes.
func (l *listing) page(ctx context.Context, after bson.ObjectID) (files []file, err error) {
	filter := bson.D{
		{Key: "_id", Value: bson.D{
			{Key: "$gt", Value: after},
			{Key: "$type", Value: "objectId"}, // another program's file with another _id is none of ours
		}},
		{Key: "uploadDate", Value: bson.D{{Key: "$lt", Value: l.before}}},
		// A whole file that another program has stored, such as the first version of this system, is not ours to
		// collect: no record of ours names it, and it is no orphan.
		{Key: "writer", Value: bson.D{{Key: "$exists", Value: true}}},
	}
	cursor, err := l.bucket.files.Find(ctx, filter, options.Find().
		SetSort(bson.D{{Key: "_id", Value: 1}}).
		SetLimit(page).
		SetProjection(bson.D{{Key: "length", Value: 1}, {Key: "uploadDate", Value: 1}}))
	if err != nil {
		return nil, err
	}
	err = cursor.All(ctx, &files)
	return files, err
}

func (l *listing) infoOf(found file) blob.Info {
	info := blob.Info{ID: idOf(found.ID), Size: found.Length, Modified: found.UploadDate}
	if written := l.written[found.ID]; written.After(info.Modified) {
		info.Modified = written
	}
	return info
}

// claimed yields ids that are being written, or were when somebody crashed, and have no file.
func (l *listing) claimed(ctx context.Context) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		for id, began := range l.written {
			exists := false
			err := l.store.run(ctx, func(ctx context.Context) (err error) {
				_, exists, err = l.bucket.find(ctx, id)
				return err
			})
			if err != nil {
				yield(blob.Info{}, err)
				return
			}
			if !exists && !yield(blob.Info{ID: idOf(id), Modified: began}, nil) {
				return
			}
		}
	}
}

// strays yields the files_id of chunks that nothing else leads to.
func (l *listing) strays(ctx context.Context) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		var strays []bson.ObjectID
		err := l.store.runBulk(ctx, func(ctx context.Context) (err error) {
			strays, err = l.findStrays(ctx)
			return err
		})
		if err != nil {
			yield(blob.Info{}, err)
			return
		}
		for _, id := range strays {
			var latest time.Time
			err := l.store.run(ctx, func(ctx context.Context) (err error) {
				latest, err = l.bucket.latest(ctx, id)
				return err
			})
			if errors.Is(err, mongo.ErrNoDocuments) {
				continue
			}
			if !yield(blob.Info{ID: idOf(id), Modified: latest}, err) || err != nil {
				return
			}
		}
	}
}

// findStrays walks the distinct files_id of all chunks, which the server jumps to by its index.
func (l *listing) findStrays(ctx context.Context) (strays []bson.ObjectID, err error) {
	cursor, err := l.bucket.chunks.Aggregate(ctx, mongo.Pipeline{
		{{Key: "$sort", Value: bson.D{{Key: "files_id", Value: 1}}}},
		{{Key: "$group", Value: bson.D{{Key: "_id", Value: "$files_id"}}}},
	})
	if err != nil {
		return nil, err
	}
	strays, err = l.withoutFiles(ctx, cursor)
	return strays, errors.Join(err, cursor.Close(ctx))
}

// withoutFiles returns those that have neither file nor claim, looking up many at once.
func (l *listing) withoutFiles(ctx context.Context, cursor *mongo.Cursor) (strays []bson.ObjectID, err error) {
	var ids []bson.ObjectID
	for cursor.Next(ctx) {
		id, ok := cursor.Current.Lookup("_id").ObjectIDOK()
		if _, claimed := l.written[id]; !ok || claimed || l.writers[id] {
			continue
		}
		if ids = append(ids, id); len(ids) == page {
			if strays, err = l.bucket.withoutFile(ctx, strays, ids); err != nil {
				return nil, err
			}
			ids = ids[:0]
		}
	}
	if err := cursor.Err(); err != nil {
		return nil, err
	}
	return l.bucket.withoutFile(ctx, strays, ids)
}

// withoutFile appends those ids that no file has.
func (b bucket) withoutFile(ctx context.Context, to, ids []bson.ObjectID) ([]bson.ObjectID, error) {
	if len(ids) == 0 {
		return to, nil
	}
	cursor, err := b.files.Find(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}},
		options.Find().SetProjection(byField("_id")))
	if err != nil {
		return nil, err
	}
	var files []file
	if err := cursor.All(ctx, &files); err != nil {
		return nil, err
	}
	known := map[bson.ObjectID]bool{}
	for _, found := range files {
		known[found.ID] = true
	}
	for _, id := range ids {
		if !known[id] {
			to = append(to, id)
		}
	}
	return to, nil
}

// latest is when the last chunk under a files_id was made, to the second.
func (b bucket) latest(ctx context.Context, id bson.ObjectID) (time.Time, error) {
	var last struct {
		ID bson.ObjectID `bson:"_id"`
	}
	err := b.chunks.FindOne(ctx, bson.D{{Key: "files_id", Value: id}}, options.FindOne().
		SetSort(bson.D{{Key: "n", Value: -1}}).
		SetProjection(byField("_id"))).Decode(&last)
	return last.ID.Timestamp(), err
}

func byField(name string) bson.D { return bson.D{{Key: name, Value: 1}} }
