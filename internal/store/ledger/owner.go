package ledger

import (
	"context"
	"time"

	"github.com/unreel/unreel/internal/conversion"
)

// Get returns an owner's conversion, or ErrNotFound.
func (l *Ledger) Get(ctx context.Context, owner string, id conversion.ID) (Record, error) {
	record, err := l.store.Get(ctx, id)
	if err != nil {
		return Record{}, err
	}
	if !record.visibleTo(owner) {
		return Record{}, ErrNotFound
	}
	return record, nil
}

// Peek returns a conversion whoever owns it and whatever its state, or ErrNotFound.
func (l *Ledger) Peek(ctx context.Context, id conversion.ID) (Record, error) {
	return l.store.Get(ctx, id)
}

// List returns an owner's conversions, newest first.
func (l *Ledger) List(ctx context.Context, query Query) ([]Record, error) {
	return l.store.List(ctx, query)
}

// Places returns the places in the queue of those of up to a hundred records that wait there, 1 for the next.
func (l *Ledger) Places(ctx context.Context, records ...Record) (map[conversion.ID]int, error) {
	var waiting []Record
	for _, record := range records {
		if record.Status == conversion.Queued {
			waiting = append(waiting, record)
		}
	}
	if len(waiting) == 0 {
		return map[conversion.ID]int{}, nil
	}
	return l.store.Places(ctx, waiting)
}

// Delete makes an owner's conversion a tombstone: it is gone at once, whoever works on it is fenced out, and
// its files follow after a grace time.
func (l *Ledger) Delete(ctx context.Context, owner string, id conversion.ID) (Record, error) {
	return l.updateOwned(ctx, owner, id, func(r *Record, now time.Time) error {
		l.bury(r, now)
		return nil
	})
}

// Cancel ends a conversion that waits or runs; its video stays, so that it can be retried. ErrConflict
// means that it has ended already.
func (l *Ledger) Cancel(ctx context.Context, owner string, id conversion.ID) (Record, error) {
	return l.updateOwned(ctx, owner, id, func(r *Record, now time.Time) error {
		if r.Status.Terminal() {
			return ErrConflict
		}
		r.Status = conversion.Canceled
		r.FinishedAt = now
		r.letGo(time.Time{})
		r.Mail.Status = MailNone
		l.keepFiles(r, now)
		return nil
	})
}

// Retry queues a failed or canceled conversion anew. ErrConflict means that it is neither, ErrExpired that
// its video is gone.
func (l *Ledger) Retry(ctx context.Context, owner string, id conversion.ID) (Record, error) {
	return l.updateOwned(ctx, owner, id, (*Record).retry)
}

// RetryAny is Retry for whoever runs the services.
func (l *Ledger) RetryAny(ctx context.Context, id conversion.ID) (Record, error) {
	return l.store.Update(ctx, id, (*Record).retry)
}

func (r *Record) retry(now time.Time) error {
	if r.Status != conversion.Failed && r.Status != conversion.Canceled {
		return ErrConflict
	}
	if r.expired(now) {
		return ErrExpired
	}
	r.Failure, r.LastError = nil, ""
	r.Attempts = 0
	r.StartedAt, r.FinishedAt, r.ExpiresAt, r.FilesDue = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	r.Mail = Mail{Status: MailNone, Fence: r.Mail.Fence + 1}
	r.enqueue(now)
	return nil
}

// Failed returns up to limit failed conversions of all owners, newest first, for whoever runs the services.
func (l *Ledger) Failed(ctx context.Context, limit int) ([]Record, error) {
	return l.store.Failed(ctx, limit)
}

func (l *Ledger) updateOwned(ctx context.Context, owner string, id conversion.ID, change func(r *Record, now time.Time) error) (Record, error) {
	return l.store.Update(ctx, id, func(r *Record, now time.Time) error {
		if !r.visibleTo(owner) {
			return ErrNotFound
		}
		return change(r, now)
	})
}

func (r *Record) visibleTo(owner string) bool {
	return r.Owner == owner && r.Status.Public()
}

// expired tells whether the files are gone or about to be removed.
func (r *Record) expired(now time.Time) bool {
	return r.FilesGone || (!r.FilesDue.IsZero() && !r.FilesDue.After(now))
}

// Downloadable returns nil when a completed conversion's MP3 can be had, ErrConflict when it is not
// completed and ErrExpired when its files are gone. Now is the caller's clock: a download that begins as
// the files expire may go either way.
func (r *Record) Downloadable(now time.Time) error {
	switch {
	case r.Status != conversion.Completed:
		return ErrConflict
	case r.expired(now):
		return ErrExpired
	default:
		return nil
	}
}
