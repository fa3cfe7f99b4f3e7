package ledger

import (
	"context"
	"time"

	"github.com/unreel/unreel/internal/conversion"
)

// Doomed returns up to limit records whose files have to be removed now, those first that have been due for longest,
// behind a place in that order unless it is nil.
func (l *Ledger) Doomed(ctx context.Context, after *Doom, limit int) ([]Record, error) {
	return l.store.Doomed(ctx, after, limit)
}

// FilesRemoved notes that a doomed record's files are gone. The record of an expired conversion stays, for
// its owner to see what became of it; a tombstone is forgotten when this is called for the second time, a
// while later, so that a writer that was late has lost its files too.
func (l *Ledger) FilesRemoved(ctx context.Context, id conversion.ID) error {
	forget := false
	_, err := l.store.Update(ctx, id, func(r *Record, now time.Time) error {
		if r.FilesDue.IsZero() || r.FilesDue.After(now) {
			return ErrConflict
		}
		buried := r.Status == conversion.Deleted
		// It stays due until it is forgotten, so that a crash in between leaves it to whoever comes next.
		if forget = buried && r.FilesGone; forget {
			return nil
		}
		r.FilesGone = true
		r.FilesDue = time.Time{}
		if buried {
			r.FilesDue = now.Add(l.config.TombstoneLife)
		}
		return nil
	})
	if err != nil || !forget {
		return err
	}
	return l.store.Forget(ctx, id)
}

// BuriedAt is when a tombstone was made; once its files are gone, it is when they went.
func (l *Ledger) BuriedAt(tombstone Record) time.Time {
	if tombstone.FilesGone {
		return tombstone.FilesDue.Add(-l.config.TombstoneLife)
	}
	return tombstone.FilesDue.Add(-l.config.Grace)
}

// Known returns which of the ids have a record whose files belong to it; files of others are orphans.
func (l *Ledger) Known(ctx context.Context, ids []conversion.ID) (map[conversion.ID]bool, error) {
	return l.store.Known(ctx, ids)
}
