package sqlledger

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/internal/store/ledger"
)

const webhookColumns = "w.id, w.owner, w.url, w.secret, w.events, w.created_at, w.disabled_at"

// AddWebhook implements ledger.Store. Of two that come at once both may find the last room: one more does no harm.
func (s *Store) AddWebhook(ctx context.Context, webhook ledger.Webhook) error {
	return named("add webhook", s.db.Write(ctx, func(tx *sql.Tx) error {
		if err := refuseClosed(ctx, tx, webhook.Owner); err != nil {
			return err
		}
		var count int
		if err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM webhooks WHERE owner = ?", webhook.Owner).Scan(&count); err != nil {
			return err
		}
		if count >= ledger.MaxWebhooks {
			return ledger.ErrTooManyWebhooks
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO webhooks (id, owner, url, secret, events, created_at, disabled_at) VALUES (?, ?, ?, ?, ?, ?, 0)",
			webhook.ID, webhook.Owner, webhook.URL, webhook.Secret, strings.Join(webhook.Events, " "), database.Micros(webhook.CreatedAt))
		return err
	}))
}

// Webhooks implements ledger.Store.
func (s *Store) Webhooks(ctx context.Context, owner string) ([]ledger.Webhook, error) {
	rows, err := s.db.Query(ctx, "SELECT "+webhookColumns+" FROM webhooks w WHERE owner = ? ORDER BY created_at DESC, id DESC", owner)
	if err != nil {
		return nil, named("list webhooks", err)
	}
	defer rows.Close()
	var webhooks []ledger.Webhook
	for rows.Next() {
		var webhook ledger.Webhook
		if err := rows.Scan(webhookFields(&webhook)...); err != nil {
			return nil, named("list webhooks", err)
		}
		webhooks = append(webhooks, webhook)
	}
	return webhooks, named("list webhooks", rows.Err())
}

// webhookFields is where the columns are scanned into.
func webhookFields(w *ledger.Webhook) []any {
	return []any{&w.ID, &w.Owner, &w.URL, &w.Secret, words{&w.Events}, micros{&w.CreatedAt}, micros{&w.DisabledAt}}
}

// words scans words with spaces in between.
type words struct{ into *[]string }

// Scan implements sql.Scanner.
func (w words) Scan(value any) error {
	var text sql.NullString
	if err := text.Scan(value); err != nil {
		return err
	}
	*w.into = strings.Fields(text.String)
	return nil
}

// RemoveWebhook implements ledger.Store.
func (s *Store) RemoveWebhook(ctx context.Context, owner, id string) error {
	return named("remove webhook", s.db.Write(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, "DELETE FROM webhooks WHERE id = ? AND owner = ?", id, owner)
		if err != nil {
			return err
		}
		if removed, err := result.RowsAffected(); err != nil || removed == 0 {
			return orNoWebhook(err)
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM deliveries WHERE webhook_id = ?", id)
		return err
	}))
}

func orNoWebhook(err error) error {
	if err == nil {
		err = ledger.ErrNoWebhook
	}
	return err
}

// DisableWebhook implements ledger.Store.
func (s *Store) DisableWebhook(ctx context.Context, id string) error {
	return named("disable webhook", s.db.Write(ctx, func(tx *sql.Tx) error {
		return s.disableWebhook(ctx, tx, id)
	}))
}

func (s *Store) disableWebhook(ctx context.Context, tx *sql.Tx, id string) error {
	now, err := s.clock(ctx, tx)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE webhooks SET disabled_at = ? WHERE id = ?", database.Micros(now), id); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "UPDATE deliveries SET due_at = NULL WHERE webhook_id = ?", id)
	return err
}

// removeWebhooks removes all that an owner has, with their calls.
func removeWebhooks(ctx context.Context, tx *sql.Tx, owner string) error {
	for _, statement := range []string{
		"DELETE FROM deliveries WHERE webhook_id IN (SELECT id FROM webhooks WHERE owner = ?)",
		"DELETE FROM webhooks WHERE owner = ?",
	} {
		if _, err := tx.ExecContext(ctx, statement, owner); err != nil {
			return err
		}
	}
	return nil
}

func named(operation string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", operation, err)
}
