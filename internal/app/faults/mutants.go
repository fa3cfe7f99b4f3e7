package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/ledger"
)

// Mutant is a mistake that the system could have been built with. A test that makes it on purpose shows that the
// others would have noticed. The empty one is none.
type Mutant string

// The mistakes.
const (
	// AckBeforeCommit says that an MP3 is there while it is still on its way to the disk.
	AckBeforeCommit Mutant = "ack-before-commit"
	// AcceptBeforeCommit answers 202 while the record is still on its way to the database.
	AcceptBeforeCommit Mutant = "202-before-commit"
	// NoFence lets a converter go on that has lost its claim.
	NoFence Mutant = "no-fence"
	// NoRelay hints at a record once and then forgets that it waits.
	NoRelay Mutant = "no-relay"
)

// hurry is how much too early something is said.
const hurry = 3 * time.Second

// ParseMutant reads a Mutant's name.
func ParseMutant(text string) (Mutant, error) {
	known := []Mutant{"", AckBeforeCommit, AcceptBeforeCommit, NoFence, NoRelay}
	if !slices.Contains(known, Mutant(text)) {
		return "", fmt.Errorf("%q is not one of the mutants %q", text, known[1:])
	}
	return Mutant(text), nil
}

// Ledger makes the mistakes that are the ledger's.
func (m Mutant) Ledger(store ledger.Store) ledger.Store {
	switch m {
	case AcceptBeforeCommit:
		return hastyLedger{store}
	case NoFence:
		return unfencedLedger{store}
	case NoRelay:
		return forgetfulLedger{store}
	default:
		return store
	}
}

type hastyLedger struct{ ledger.Store }

// Update implements ledger.Store.
func (l hastyLedger) Update(ctx context.Context, id conversion.ID, change func(r *ledger.Record, now time.Time) error) (ledger.Record, error) {
	record, err := l.Get(ctx, id)
	if err != nil || record.Status != conversion.Receiving {
		return l.Store.Update(ctx, id, change)
	}
	if err := change(&record, time.Now()); err != nil || record.Status != conversion.Queued {
		return l.Store.Update(ctx, id, change)
	}
	time.AfterFunc(hurry, func() {
		_, _ = l.Store.Update(context.WithoutCancel(ctx), id, change) // it was answered long ago
	})
	return record, nil
}

type unfencedLedger struct{ ledger.Store }

// Update implements ledger.Store. The change sees whatever claim it wants to see.
func (l unfencedLedger) Update(ctx context.Context, id conversion.ID, change func(r *ledger.Record, now time.Time) error) (ledger.Record, error) {
	return l.Store.Update(ctx, id, func(r *ledger.Record, now time.Time) error {
		err := change(r, now)
		for fence := int64(1); errors.Is(err, ledger.ErrStale) && fence <= r.Fence; fence++ {
			claimed := *r
			claimed.Status, claimed.Fence = conversion.Converting, fence
			if err = change(&claimed, now); err == nil {
				claimed.Fence = max(claimed.Fence, r.Fence)
				*r = claimed
			}
		}
		return err
	})
}

type forgetfulLedger struct{ ledger.Store }

// UpdateDue implements ledger.Store.
func (l forgetfulLedger) UpdateDue(ctx context.Context, limit int, change func(r *ledger.Record, now time.Time)) ([]ledger.Record, error) {
	return l.Store.UpdateDue(ctx, limit, func(r *ledger.Record, now time.Time) {
		change(r, now)
		r.WakeDue = time.Time{}
	})
}

// Blobs makes the mistakes that are the blob store's.
func (m Mutant) Blobs(store blob.Store) blob.Store {
	if m != AckBeforeCommit {
		return store
	}
	hasty := hastyBlobs{store}
	if local, ok := store.(blob.Local); ok {
		return struct {
			hastyBlobs
			blob.Local
		}{hasty, local}
	}
	return hasty
}

type hastyBlobs struct{ blob.Store }

// Create implements blob.Store.
func (b hastyBlobs) Create(ctx context.Context, kind blob.Kind, id conversion.ID) (blob.Writer, error) {
	writer, err := b.Store.Create(context.WithoutCancel(ctx), kind, id)
	if err != nil || kind != blob.MP3 {
		return writer, err
	}
	return hastyWriter{writer}, nil
}

type hastyWriter struct{ blob.Writer }

// Commit implements blob.Writer.
func (w hastyWriter) Commit(ctx context.Context, meta blob.Meta) error {
	time.AfterFunc(hurry, func() {
		_ = w.Writer.Commit(context.WithoutCancel(ctx), meta) // it was answered long ago
	})
	return nil
}
