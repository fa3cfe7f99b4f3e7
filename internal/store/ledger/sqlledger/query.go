package sqlledger

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/internal/store/ledger"
)

// Get implements ledger.Store.
func (s *Store) Get(ctx context.Context, id conversion.ID) (ledger.Record, error) {
	return s.selectOne(ctx, "WHERE id = ?", id)
}

func (s *Store) selectOne(ctx context.Context, where string, args ...any) (ledger.Record, error) {
	records, err := s.selectMany(ctx, where, args...)
	if err != nil {
		return ledger.Record{}, err
	}
	if len(records) == 0 {
		return ledger.Record{}, ledger.ErrNotFound
	}
	return records[0], nil
}

func (s *Store) selectMany(ctx context.Context, where string, args ...any) ([]ledger.Record, error) {
	rows, err := s.db.Query(ctx, s.selectRows()+" "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("select conversions: %w", err)
	}
	defer rows.Close()
	found, err := scanRows(rows.Rows)
	if err == nil && len(found.records) == 0 && len(found.unreadable) > 0 {
		err = found.unreadable[0]
	}
	return found.records, err
}

// List implements ledger.Store.
func (s *Store) List(ctx context.Context, query ledger.Query) ([]ledger.Record, error) {
	where := "WHERE owner = ?"
	args := []any{query.Owner}
	if query.Status != "" {
		where += " AND status = ?"
		args = append(args, query.Status)
	} else {
		where += " AND status NOT IN (?, ?)"
		args = append(args, conversion.Receiving, conversion.Deleted)
	}
	if after := query.After; after != nil {
		created := database.Micros(after.CreatedAt)
		where += " AND (created_at < ? OR (created_at = ? AND id < ?))"
		args = append(args, created, created, after.ID)
	}
	return s.selectMany(ctx, where+" ORDER BY created_at DESC, id DESC LIMIT ?", append(args, query.Limit)...)
}

// Failed implements ledger.Store.
func (s *Store) Failed(ctx context.Context, limit int) ([]ledger.Record, error) {
	return s.selectMany(ctx, "WHERE status = ? ORDER BY queued_at DESC, id DESC LIMIT ?", conversion.Failed, limit)
}

// Doomed implements ledger.Store.
func (s *Store) Doomed(ctx context.Context, after *ledger.Doom, limit int) ([]ledger.Record, error) {
	where, args := "WHERE files_due <= "+s.db.Now(), []any{}
	if after != nil {
		due := database.Micros(after.FilesDue)
		where += " AND files_due >= ? AND (files_due > ? OR id > ?)"
		args = append(args, due, due, after.ID)
	}
	return s.selectMany(ctx, where+" ORDER BY files_due, id LIMIT ?", append(args, limit)...)
}

// Known implements ledger.Store.
func (s *Store) Known(ctx context.Context, ids []conversion.ID) (map[conversion.ID]bool, error) {
	known := make(map[conversion.ID]bool, len(ids))
	if len(ids) == 0 {
		return known, nil
	}
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	rows, err := s.db.Query(ctx, "SELECT id FROM conversions WHERE files_gone = 0 AND id IN ("+marks(len(ids))+")", args...)
	if err != nil {
		return nil, fmt.Errorf("select known ids: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id conversion.ID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("scan known ids: %w", err)
		}
		known[id] = true
	}
	return known, rows.Err()
}

// Places implements ledger.Store. One statement counts for all, since each would be a way to the server and back.
func (s *Store) Places(ctx context.Context, waiting []ledger.Record) (map[conversion.ID]int, error) {
	const place = "SELECT ?, COUNT(*) + 1 FROM conversions WHERE status = ? AND (queued_at < ? OR (queued_at = ? AND id < ?))"
	statement := strings.Join(slices.Repeat([]string{place}, len(waiting)), " UNION ALL ")
	var args []any
	for _, record := range waiting {
		queued := database.Micros(record.QueuedAt)
		args = append(args, record.ID, conversion.Queued, queued, queued, record.ID)
	}
	rows, err := s.db.Query(ctx, statement, args...)
	if err != nil {
		return nil, fmt.Errorf("count the queue: %w", err)
	}
	defer rows.Close()
	places := make(map[conversion.ID]int, len(waiting))
	for rows.Next() {
		var id conversion.ID
		var place int
		if err := rows.Scan(&id, &place); err != nil {
			return nil, fmt.Errorf("scan places in the queue: %w", err)
		}
		places[id] = place
	}
	return places, rows.Err()
}

func marks(count int) string {
	return strings.TrimSuffix(strings.Repeat("?, ", count), ", ")
}
