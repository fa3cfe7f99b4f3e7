package sqlledger

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/internal/store/ledger"
)

// AddDeliveries implements ledger.Store.
func (s *Store) AddDeliveries(ctx context.Context, deliveries []ledger.Delivery) error {
	return named("add deliveries", s.db.Write(ctx, func(tx *sql.Tx) error {
		now, err := s.clock(ctx, tx)
		if err != nil {
			return err
		}
		for _, delivery := range deliveries {
			_, err := tx.ExecContext(ctx, "INSERT INTO deliveries (id, webhook_id, event, payload, created_at, due_at, attempts) VALUES (?, ?, ?, ?, ?, ?, 0)",
				delivery.ID, delivery.Webhook.ID, delivery.Event, string(delivery.Payload), database.Micros(now), database.Micros(now))
			if err != nil && !s.db.IsDuplicate(err) {
				return err
			}
		}
		return nil
	}))
}

// ClaimDeliveries implements ledger.Store.
func (s *Store) ClaimDeliveries(ctx context.Context, limit int, again time.Duration, but []string) ([]ledger.Delivery, error) {
	var claimed []ledger.Delivery
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		now, err := s.clock(ctx, tx)
		if err != nil {
			return err
		}
		// The lock is on the calls alone: their webhooks are read afterwards.
		ids, err := dueDeliveries(ctx, tx, now, limit, but, s.db.SkipLocked())
		if err != nil {
			return err
		}
		claimed = nil // it may be run again
		for _, id := range ids {
			delivery, err := claimDelivery(ctx, tx, id, now.Add(again))
			if errors.Is(err, sql.ErrNoRows) {
				// The webhook was removed at the moment when this was added.
				_, err = tx.ExecContext(ctx, "DELETE FROM deliveries WHERE id = ?", id)
			} else if err == nil {
				claimed = append(claimed, delivery)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return claimed, named("claim deliveries", err)
}

// claimDelivery counts a call as tried and returns it, or sql.ErrNoRows if it has no webhook.
func claimDelivery(ctx context.Context, tx *sql.Tx, id string, again time.Time) (ledger.Delivery, error) {
	_, err := tx.ExecContext(ctx, "UPDATE deliveries SET due_at = ?, attempts = attempts + 1 WHERE id = ?", database.Micros(again), id)
	if err != nil {
		return ledger.Delivery{}, err
	}
	delivery := ledger.Delivery{ID: id}
	var payload string
	fields := []any{&delivery.Event, &payload, micros{&delivery.CreatedAt}, &delivery.Attempts}
	err = tx.QueryRowContext(ctx, "SELECT d.event, d.payload, d.created_at, d.attempts, "+webhookColumns+
		" FROM deliveries d JOIN webhooks w ON w.id = d.webhook_id WHERE d.id = ?", id).
		Scan(append(fields, webhookFields(&delivery.Webhook)...)...)
	delivery.Payload = []byte(payload)
	return delivery, err
}

func dueDeliveries(ctx context.Context, tx *sql.Tx, now time.Time, limit int, but []string, lock string) ([]string, error) {
	query, args := "SELECT id FROM deliveries WHERE due_at <= ?", []any{database.Micros(now)}
	if len(but) > 0 {
		query += " AND webhook_id NOT IN (SELECT id FROM webhooks WHERE owner IN (" + marks(len(but)) + "))"
		for _, owner := range but {
			args = append(args, owner)
		}
	}
	rows, err := tx.QueryContext(ctx, query+" ORDER BY due_at LIMIT ?"+lock, append(args, limit)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// PutOffDelivery implements ledger.Store.
func (s *Store) PutOffDelivery(ctx context.Context, id string, after time.Duration) error {
	return named("put off delivery", s.db.Write(ctx, func(tx *sql.Tx) error {
		now, err := s.clock(ctx, tx)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE deliveries SET due_at = ? WHERE id = ? AND due_at IS NOT NULL", database.Micros(now.Add(after)), id)
		return err
	}))
}

// EndDelivery implements ledger.Store.
func (s *Store) EndDelivery(ctx context.Context, id string) error {
	return named("end delivery", s.db.Write(ctx, func(tx *sql.Tx) error { return endDelivery(ctx, tx, id) }))
}

func endDelivery(ctx context.Context, tx *sql.Tx, id string) error {
	_, err := tx.ExecContext(ctx, "UPDATE deliveries SET due_at = NULL WHERE id = ?", id)
	return err
}

// GiveUpDelivery implements ledger.Store.
func (s *Store) GiveUpDelivery(ctx context.Context, id string) (disabled bool, err error) {
	err = s.db.Write(ctx, func(tx *sql.Tx) error {
		var webhook string
		var others int
		err := tx.QueryRowContext(ctx, `SELECT webhook_id, (SELECT COUNT(*) FROM deliveries o
			WHERE o.webhook_id = d.webhook_id AND o.id <> d.id AND o.due_at IS NULL AND o.created_at >= d.created_at)
			FROM deliveries d WHERE d.id = ?`, id).Scan(&webhook, &others)
		if errors.Is(err, sql.ErrNoRows) {
			return nil // its webhook has been removed
		}
		if err != nil {
			return err
		}
		if disabled = others == 0; disabled {
			return s.disableWebhook(ctx, tx, webhook)
		}
		return endDelivery(ctx, tx, id)
	})
	return disabled, named("give up delivery", err)
}

// CollectDeliveries implements ledger.Store. MySQL needs the table in between.
func (s *Store) CollectDeliveries(ctx context.Context, age time.Duration, limit int) (int, error) {
	var removed int64
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		now, err := s.clock(ctx, tx)
		if err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, `DELETE FROM deliveries WHERE id IN (SELECT id FROM (
			SELECT id FROM deliveries WHERE created_at <= ? AND due_at IS NULL ORDER BY created_at LIMIT ?) AS old)`,
			database.Micros(now.Add(-age)), limit)
		if err == nil {
			removed, err = result.RowsAffected()
		}
		return err
	})
	return int(removed), named("collect deliveries", err)
}
