package ledger

import (
	"context"
	"errors"
	"time"

	"github.com/unreel/unreel/internal/conversion"
)

// closedBatch is how many conversions of closed owners are looked up at a time.
const closedBatch = 100

// Close buries all conversions of an owner whose account ends, and takes none of theirs any more: Receive then returns
// ErrClosed. It returns the tombstones. If it fails in between, ClearClosed finishes it.
func (l *Ledger) Close(ctx context.Context, owner string) ([]Record, error) {
	if err := l.store.Close(ctx, owner); err != nil {
		return nil, err
	}
	return l.buryClosed(ctx)
}

// ClearClosed buries what closed owners still have: an upload that was being taken in as its owner was closed, or one that a
// version took in that does not know of closed owners. Owners are forgotten when nobody can come in their name any more.
func (l *Ledger) ClearClosed(ctx context.Context) ([]Record, error) {
	buried, err := l.buryClosed(ctx)
	if err != nil {
		return buried, err
	}
	return buried, l.store.Reopen(ctx, l.config.TombstoneLife)
}

func (l *Ledger) buryClosed(ctx context.Context) (buried []Record, err error) {
	for {
		left, err := l.store.OfClosed(ctx, closedBatch)
		if err != nil || len(left) == 0 {
			return buried, err
		}
		for _, id := range left {
			record, err := l.store.Update(ctx, id, func(r *Record, now time.Time) error {
				if r.Status == conversion.Deleted {
					return ErrConflict // somebody else has just done it
				}
				l.bury(r, now)
				return nil
			})
			switch {
			case err == nil:
				buried = append(buried, record)
			case !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound):
				return buried, err
			}
		}
	}
}
