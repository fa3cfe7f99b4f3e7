package sqlledger

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/internal/store/ledger"
)

// Close implements ledger.Store.
func (s *Store) Close(ctx context.Context, owner string) error {
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		now, err := s.clock(ctx, tx)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "REPLACE INTO closed_owners (owner, closed_at) VALUES (?, ?)", owner, database.Micros(now)); err != nil {
			return err
		}
		return removeWebhooks(ctx, tx, owner)
	})
	return named("close owner", err)
}

// OfClosed implements ledger.Store.
func (s *Store) OfClosed(ctx context.Context, limit int) ([]conversion.ID, error) {
	rows, err := s.db.Query(ctx, "SELECT c.id FROM closed_owners o JOIN conversions c ON c.owner = o.owner"+
		" WHERE c.status <> ? LIMIT ?", conversion.Deleted, limit)
	if err != nil {
		return nil, fmt.Errorf("select conversions of closed owners: %w", err)
	}
	defer rows.Close()
	var ids []conversion.ID
	for rows.Next() {
		var id conversion.ID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("scan conversions of closed owners: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// Reopen implements ledger.Store.
func (s *Store) Reopen(ctx context.Context, after time.Duration) error {
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		now, err := s.clock(ctx, tx)
		if err != nil {
			return err
		}
		closed := database.Micros(now.Add(-after))
		// One may have been added by somebody who had not seen the owner closed.
		if _, err := tx.ExecContext(ctx, "DELETE FROM webhooks WHERE owner IN (SELECT owner FROM closed_owners WHERE closed_at <= ?)", closed); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM closed_owners WHERE closed_at <= ?", closed)
		return err
	})
	return named("forget closed owners", err)
}

// refuseClosed returns ledger.ErrClosed if an owner is closed.
func refuseClosed(ctx context.Context, tx *sql.Tx, owner string) error {
	var closed int
	err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM closed_owners WHERE owner = ?", owner).Scan(&closed)
	if err == nil && closed > 0 {
		return ledger.ErrClosed
	}
	return err
}

func (s *Store) clock(ctx context.Context, tx *sql.Tx) (time.Time, error) {
	var now int64
	if err := tx.QueryRowContext(ctx, "SELECT "+s.db.Now()).Scan(&now); err != nil {
		return time.Time{}, fmt.Errorf("read the clock: %w", err)
	}
	return database.Time(now), nil
}
