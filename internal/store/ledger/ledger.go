// Package ledger keeps every conversion's record and is the only truth about it. A record is at once the
// answer to its owner, the outbox of what must be told to others and the schedule of what is due: WakeDue
// says when somebody must look at it next, whatever dies in between.
//
// The state machine is here, written once as changes to a Record. A Store does no more than run such a change
// on a locked row; every Store passes the suite in ledgertest.
package ledger

import (
	"context"
	"errors"
	"time"

	"github.com/unreel/unreel/internal/conversion"
)

var (
	// ErrNotFound says that there is no such conversion, or not for this owner.
	ErrNotFound = errors.New("no such conversion")
	// ErrConflict says that the conversion is in a state that does not allow what was asked for.
	ErrConflict = errors.New("the conversion's state does not allow this")
	// ErrHeld says that there is nothing to claim: someone else works on it, it is not yet due, or it is done.
	ErrHeld = errors.New("nothing to claim")
	// ErrStale says that the caller's claim has been taken over or ended: stop, and leave no result behind.
	ErrStale = errors.New("claim is stale")
	// ErrExpired says that the conversion's files are gone.
	ErrExpired = errors.New("the conversion's files have expired")
	// ErrKeyInUse says that an idempotency key belongs to another conversion, which is returned beside it.
	ErrKeyInUse = errors.New("idempotency key is in use")
	// ErrClosed says that the owner's account has ended, so that nothing is taken in for it.
	ErrClosed = errors.New("the owner's account has ended")
)

// Record is a conversion with what it takes to work on it.
type Record struct {
	conversion.Conversion

	// Fence counts the claims. Only the claim that holds the newest may change the record.
	Fence int64
	// LeaseUntil is when the claim ends unless it is renewed. While receiving, the gateway holds it; of a video that
	// comes in pieces, whichever takes one.
	LeaseUntil time.Time
	// NotBefore is the earliest next attempt, after a passing error.
	NotBefore time.Time
	// WakeDue is when somebody must look at the record next; zero for never.
	WakeDue time.Time
	// Wakes counts the hints since the state last changed, so that they get rarer.
	Wakes int
	// QueuedAt is when the conversion began to wait for a converter.
	QueuedAt time.Time
	// LastError is the latest passing error, for operators.
	LastError string

	Mail Mail

	// Pieces is how far the video has come, if it arrives in pieces.
	Pieces Pieces

	// FilesDue is when the video and the MP3 have to be removed; zero for never.
	FilesDue time.Time
	// FilesGone says that they have been.
	FilesGone bool
	// IdempotencyKey is the owner's own name for the request; empty for none.
	IdempotencyKey string
	// Trace is where in a trace the conversion was asked for, as a W3C traceparent; empty if nobody knows. A hint takes
	// it along: between the record and the hint there may be hours, and other processes.
	Trace string
}

// MailStatus is where the mail about an ended conversion stands.
type MailStatus string

// The states of the mail.
const (
	MailNone    MailStatus = "none"
	MailPending MailStatus = "pending"
	MailSending MailStatus = "sending"
	MailSent    MailStatus = "sent"
	MailRefused MailStatus = "refused" // the server will never take it
	MailGivenUp MailStatus = "given-up"
	MailUnknown MailStatus = "unknown" // handed over, but never acknowledged
)

// Mail is the notifier's part of a record, with a fence and a lease of its own.
type Mail struct {
	Status     MailStatus
	Fence      int64
	LeaseUntil time.Time
	Attempts   int
	// Uncertain says that one try ended without anyone knowing whether the mail was taken.
	Uncertain bool
}

// Query asks for one owner's conversions, newest first.
type Query struct {
	Owner  string
	Status conversion.Status // "" for all
	Limit  int
	After  *Cursor // nil for the first page
}

// Cursor is a place in a list: behind the record with these.
type Cursor struct {
	CreatedAt time.Time
	ID        conversion.ID
}

// Doom is a place in the order of what has to be removed: behind the record with these.
type Doom struct {
	FilesDue time.Time
	ID       conversion.ID
}

// Store is what a database must do for the ledger. Now is always the database's own clock. A change may be
// run more than once and must do nothing but change the record; its error rolls back and is returned.
type Store interface {
	Webhooks

	// Insert adds the record that build makes, unless its owner has used its idempotency key: then
	// it returns the record that has it and ErrKeyInUse. For a closed owner it returns ErrClosed.
	Insert(ctx context.Context, build func(now time.Time) Record) (Record, error)
	// Update changes one record while nobody else can, and returns it, or ErrNotFound.
	Update(ctx context.Context, id conversion.ID, change func(r *Record, now time.Time) error) (Record, error)
	// UpdateDue changes up to limit records whose WakeDue has come, oldest first, passing over those that
	// someone else is changing.
	UpdateDue(ctx context.Context, limit int, change func(r *Record, now time.Time)) ([]Record, error)
	// UpdateAwake changes every record that has a WakeDue.
	UpdateAwake(ctx context.Context, change func(r *Record, now time.Time)) error
	// Get returns one record, or ErrNotFound.
	Get(ctx context.Context, id conversion.ID) (Record, error)
	// List returns an owner's public records.
	List(ctx context.Context, query Query) ([]Record, error)
	// Failed returns up to limit failed records of all owners, newest first.
	Failed(ctx context.Context, limit int) ([]Record, error)
	// Doomed returns up to limit records whose FilesDue has come, in the order of that, behind a place in it
	// unless that is nil.
	Doomed(ctx context.Context, after *Doom, limit int) ([]Record, error)
	// Forget removes a record.
	Forget(ctx context.Context, id conversion.ID) error
	// Known returns which of the ids have a record whose files are not gone.
	Known(ctx context.Context, ids []conversion.ID) (map[conversion.ID]bool, error)
	// Places returns the places in the queue of up to a hundred records that wait there, 1 for the next.
	Places(ctx context.Context, waiting []Record) (map[conversion.ID]int, error)
	// Close marks an owner as closed and removes its webhooks, OfClosed returns up to limit conversions of such that are no
	// tombstones, and Reopen forgets those that were closed that long ago, with webhooks that came in beside Close.
	Close(ctx context.Context, owner string) error
	OfClosed(ctx context.Context, limit int) ([]conversion.ID, error)
	Reopen(ctx context.Context, after time.Duration) error
	// Usage adds up an owner's public records.
	Usage(ctx context.Context, owner string) (Usage, error)
	// Survey looks at all records at once.
	Survey(ctx context.Context) (Survey, error)
	// Secret returns the secret of this name; if there is none yet, the offer becomes it.
	Secret(ctx context.Context, name string, offer []byte) ([]byte, error)
	// Check returns nil when the store can be used, and else says in words why not.
	Check(ctx context.Context) error
}

// Config is how patient the ledger is.
type Config struct {
	Lease         time.Duration // of a claim
	ReceiveLease  time.Duration // of an upload between two signs of life
	PieceLease    time.Duration // of a piece of an upload between two signs of life
	UploadLife    time.Duration // of an upload in pieces to which nothing is added
	MailLease     time.Duration // of one try to send a mail
	MaxAttempts   int           // conversions tried before one is given up
	MailPatience  time.Duration // how long a mail is tried
	Retention     time.Duration // how long files are kept after the end; 0 for ever
	Grace         time.Duration // between a tombstone and the removal of its files
	TombstoneLife time.Duration // how long a tombstone stays after its files are gone
}

// DefaultConfig is what the services run with. The lease of a piece is short, since who was cut off comes back within
// seconds and waits for it; that of an upload lasts over a night without a line.
func DefaultConfig() Config {
	return Config{
		Lease:         60 * time.Second,
		ReceiveLease:  2 * time.Minute,
		PieceLease:    20 * time.Second,
		UploadLife:    24 * time.Hour,
		MailLease:     2 * time.Minute,
		MaxAttempts:   5,
		MailPatience:  72 * time.Hour,
		Retention:     720 * time.Hour,
		Grace:         time.Minute,
		TombstoneLife: 24 * time.Hour,
	}
}

// Ledger is the state machine over a Store.
type Ledger struct {
	store  Store
	config Config
}

// New makes a Ledger.
func New(store Store, config Config) *Ledger {
	return &Ledger{store: store, config: config}
}

// Config returns what the ledger was made with.
func (l *Ledger) Config() Config { return l.config }

// Check returns nil when the ledger can be used, and else says in words why not.
func (l *Ledger) Check(ctx context.Context) error { return l.store.Check(ctx) }

// Secret returns a key that all processes share, made on first use.
func (l *Ledger) Secret(ctx context.Context, name string, offer []byte) ([]byte, error) {
	return l.store.Secret(ctx, name, offer)
}
