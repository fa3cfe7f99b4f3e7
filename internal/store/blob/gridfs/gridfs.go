// Package gridfs keeps blobs in MongoDB, so that gateways and converters on different machines share them, and
// any program that knows GridFS can read them and hand over its own: a database a kind, bucket fs, the
// conversion's id as _id (https://github.com/mongodb/specifications/blob/master/source/gridfs/gridfs-spec.md).
//
// A file's document is written last and removed first, so what has one is whole. MongoDB alone replaces no
// file at once, and not every server that speaks its protocol has transactions. So there is a third
// collection, fs.staging, which says who writes what:
//
//   - The first writer of an id claims it there, by an insert whose _id is the conversion's, and writes its
//     chunks where they stay. To commit is to insert the file's document and to give up the claim.
//   - Any other writer of this id, and one that replaces a file, writes its chunks under an id of its own. To commit,
//     it takes the claim, removes the old file and moves its chunks to where it was. A file that has the same length
//     and SHA-256 already is left alone instead, and so is one of a higher fence. A claim whose holder does not give
//     it up is broken after some seconds: that holder is dead, or stalled while writing. It finds out before it can
//     commit, and what it still removes is only what it saw while the claim was its own.
//
// A blob that is written in pieces has one claim and one writer's mark for all who add to it; appender says how they stay
// apart.
//
// What is promised: a reader gets the whole of one writer's bytes or an error, since chunks and file bear their
// writer's mark; and a writer whose claim was broken, or whose blob was deleted while it wrote, commits nothing.
// What is not: a crash while a file is being replaced may leave neither the old one nor the new one, a
// reader of the old one gets an error, and of writers that stall while they replace a file all may fail. So a
// blob counts from when the caller's record says so, which is to be written after Commit; and who fails writes again.
//
// List also finds what crashes left: claims, and chunks that have neither file nor claim.
package gridfs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"github.com/unreel/unreel/internal/store/blob"
)

const (
	// bulkFactor is how many times longer an operation on all chunks of a blob may take than one on a chunk.
	bulkFactor = 10
	// patience is how long a claim may stay without its holder committing while another wants to.
	patience = 10 * time.Second
	// inserts is how many chunks may be on their way to the server at once: the driver holds each twice.
	inserts = 16
)

// Store keeps blobs in GridFS.
type Store struct {
	config   Config
	patience time.Duration
	slots    chan struct{} // one for each chunk that is on its way

	mu       sync.Mutex
	client   *mongo.Client // nil until the names of the URL are resolved
	closed   bool
	prepared map[blob.Kind]bool // whose indexes are there
}

var _ blob.Store = (*Store)(nil)

// Open prepares a connection. A server that is away is no error: every operation waits for it for a while and
// then returns store.ErrUnavailable. The caller closes the store.
func Open(config Config) (*Store, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if config.Timeout == 0 {
		config.Timeout = DefaultTimeout
	}
	if config.Contact == 0 {
		config.Contact = config.Timeout
	}
	store := &Store{
		config:   config,
		patience: patience,
		slots:    make(chan struct{}, inserts),
		prepared: map[blob.Kind]bool{},
	}
	// Only a name that is not resolved now may be later.
	if _, err := store.connect(); err != nil && !isUnresolved(err) {
		return nil, err
	}
	return store, nil
}

// errClosed says that a store was used after Close.
var errClosed = errors.New("blob store is closed")

// connect returns the client, which connects by itself as often as it is needed.
func (s *Store) connect() (*mongo.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	if s.client != nil {
		return s.client, nil
	}
	options, err := s.config.options()
	if err != nil {
		return nil, err
	}
	s.client, err = mongo.Connect(options)
	if err != nil {
		return nil, s.config.refuse(err)
	}
	return s.client, nil
}

// Close ends the connections. Readers and writers that are still open fail.
func (s *Store) Close() error {
	s.mu.Lock()
	client := s.client
	s.client, s.closed = nil, true
	s.mu.Unlock()
	if client == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.config.Timeout)
	defer cancel()
	if err := client.Disconnect(ctx); err != nil {
		return fmt.Errorf("close connections to MongoDB: %w", err)
	}
	return nil
}

// Check returns nil when the server answers and the indexes are there, which it makes if they are not.
func (s *Store) Check(ctx context.Context) error {
	for _, kind := range blob.Kinds {
		bucket, err := s.bucket(kind)
		if err != nil {
			return fmt.Errorf("check MongoDB: %w", err)
		}
		if err := s.prepare(ctx, kind, bucket); err != nil {
			return fmt.Errorf("check MongoDB: %w", err)
		}
	}
	client, err := s.connect()
	if err != nil {
		return fmt.Errorf("check MongoDB: %w", err)
	}
	err = s.run(ctx, func(ctx context.Context) error { return client.Ping(ctx, readpref.Primary()) })
	if err != nil {
		return fmt.Errorf("check MongoDB: %w", err)
	}
	return nil
}

// Version is what the server says it is, such as "7.0.14".
func (s *Store) Version(ctx context.Context) (string, error) {
	client, err := s.connect()
	if err != nil {
		return "", fmt.Errorf("ask MongoDB for its version: %w", err)
	}
	var build struct {
		Version string `bson:"version"`
		Ferret  string `bson:"ferretdbVersion"`
	}
	err = s.run(ctx, func(ctx context.Context) error {
		return client.Database("admin").RunCommand(ctx, bson.D{{Key: "buildInfo", Value: 1}}).Decode(&build)
	})
	if err != nil {
		return "", fmt.Errorf("ask MongoDB for its version: %w", err)
	}
	if build.Ferret != "" {
		return build.Version + " (FerretDB " + build.Ferret + ")", nil
	}
	return build.Version, nil
}

// prepare makes the indexes of a kind, unless this store has made them.
func (s *Store) prepare(ctx context.Context, kind blob.Kind, bucket bucket) error {
	s.mu.Lock()
	done := s.prepared[kind]
	s.mu.Unlock()
	if done {
		return nil
	}
	if err := s.run(ctx, bucket.index); err != nil {
		return fmt.Errorf("make indexes of %s: %w", kind, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prepared[kind] = true
	return nil
}

// run gives one operation a deadline and its error the store's words.
func (s *Store) run(ctx context.Context, operation func(context.Context) error) error {
	return runFor(ctx, s.config.Timeout, operation)
}

// contact does the same for the first operation on a blob.
func (s *Store) contact(ctx context.Context, operation func(context.Context) error) error {
	return runFor(ctx, s.config.Contact, operation)
}

// runBulk does the same for an operation on as many chunks as a blob may have.
func (s *Store) runBulk(ctx context.Context, operation func(context.Context) error) error {
	return runFor(ctx, bulkFactor*s.config.Timeout, operation)
}

func runFor(ctx context.Context, timeout time.Duration, operation func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return translate(ctx, operation(limited))
}
