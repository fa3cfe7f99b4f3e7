package gridfs

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/unreel/unreel/internal/store"
	"github.com/unreel/unreel/internal/store/blob"
)

// DefaultTimeout is long enough for a chunk over a slow line to a busy server.
const DefaultTimeout = 30 * time.Second

// selectionTimeout is how long an operation waits for a server to be there: longer than a replica set
// usually takes to elect a primary, so that an upload of hours lives through that.
const selectionTimeout = 10 * time.Second

// Config says where the server is.
type Config struct {
	// URL is the connection string, mongodb:// or mongodb+srv://.
	URL string
	// Timeout is how long the server may take for one operation on one chunk; 0: DefaultTimeout.
	Timeout time.Duration
	// Contact is how long it may take for the first operation on a blob, where somebody waits to be told to come back
	// later: nothing is lost yet by telling so. 0: Timeout.
	Contact time.Duration
	// Databases names the database of a kind where it is not the kind's own text, as in tests that share a server.
	Databases map[blob.Kind]string

	monitor *event.CommandMonitor // of tests
}

// Validate names the first setting that cannot work.
func (c Config) Validate() error {
	switch {
	case !strings.HasPrefix(c.URL, "mongodb://") && !strings.HasPrefix(c.URL, "mongodb+srv://"):
		return errors.New("name a server, like mongodb://host:27017 or mongodb+srv://host")
	case c.Timeout < 0 || c.Contact < 0:
		return errors.New("the timeout of the blob server must not be negative")
	}
	return nil
}

// options resolves the names of a mongodb+srv:// URL; the error is store.ErrUnavailable if that failed.
func (c Config) options() (*options.ClientOptions, error) {
	opts := options.Client().
		SetAppName("unreel").
		SetConnectTimeout(min(selectionTimeout, c.Timeout)).
		SetServerSelectionTimeout(min(selectionTimeout, c.Timeout)).
		SetWriteConcern(writeconcern.Majority()).
		SetMonitor(c.monitor).
		ApplyURI(c.URL)
	if err := opts.Validate(); err != nil {
		return nil, c.refuse(err)
	}
	opts.SetReadPreference(readpref.Primary()) // a secondary does not know yet what was just committed
	opts.Timeout = nil                         // every operation has a deadline of its own; a client's would cut streams
	return opts, nil
}

// refuse explains why the URL cannot be used, in words that have no part of its password.
func (c Config) refuse(err error) error {
	var lookup *net.DNSError
	switch {
	case errors.As(err, &lookup):
		return fmt.Errorf("%w: %w", store.ErrUnavailable, lookup)
	case strings.Contains(c.URL, "@"):
		return errors.New("not a connection string of MongoDB; " +
			"in user and password, write : / ? # [ ] @ and % as %3A %2F %3F %23 %5B %5D %40 and %25")
	default:
		return fmt.Errorf("not a connection string of MongoDB: %w", err)
	}
}

func isUnresolved(err error) bool {
	var lookup *net.DNSError
	return errors.As(err, &lookup)
}
