// Package sqlledger keeps the ledger in SQLite or MySQL. Both run the same statements: a change locks its row,
// runs the state machine's function on it and writes the whole row back.
package sqlledger

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/internal/store/ledger"
)

//go:embed migrations
var migrations embed.FS

// Store is a ledger.Store over SQL.
type Store struct {
	db *database.DB
}

var _ ledger.Store = (*Store)(nil)

// New makes a Store over an open database, whose schema Migrate must have brought up to date.
func New(db *database.DB) *Store {
	return &Store{db: db}
}

// Migrate creates or upgrades the ledger's tables.
func (s *Store) Migrate(ctx context.Context) error {
	return s.db.Migrate(ctx, "ledger", migrations)
}

// Schema returns how far the ledger's tables have been migrated, and how far Migrate would bring them.
func (s *Store) Schema(ctx context.Context) (applied, wanted int64, err error) {
	return s.db.Schema(ctx, "ledger", migrations)
}

// Check implements ledger.Store.
func (s *Store) Check(ctx context.Context) error {
	return s.db.Check(ctx)
}

// Insert implements ledger.Store.
func (s *Store) Insert(ctx context.Context, build func(now time.Time) ledger.Record) (ledger.Record, error) {
	var record ledger.Record
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		now, err := s.clock(ctx, tx)
		if err != nil {
			return err
		}
		record = build(now)
		if err := refuseClosed(ctx, tx, record.Owner); err != nil {
			return err
		}
		values, err := toRow(&record)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, insertStatement, values...)
		return err
	})
	if record.IdempotencyKey != "" && s.db.IsDuplicate(err) {
		return s.byKey(ctx, record.Owner, record.IdempotencyKey, err)
	}
	if err != nil {
		return ledger.Record{}, fmt.Errorf("insert conversion: %w", err)
	}
	return record, nil
}

func (s *Store) byKey(ctx context.Context, owner, key string, cause error) (ledger.Record, error) {
	record, err := s.selectOne(ctx, "WHERE owner = ? AND idempotency_key = ?", owner, key)
	if errors.Is(err, ledger.ErrNotFound) {
		// It was not the key that was taken, or its conversion has just been deleted.
		return ledger.Record{}, fmt.Errorf("insert conversion: %w", cause)
	}
	if err != nil {
		return ledger.Record{}, err
	}
	return record, ledger.ErrKeyInUse
}

// Update implements ledger.Store.
func (s *Store) Update(ctx context.Context, id conversion.ID, change func(r *ledger.Record, now time.Time) error) (ledger.Record, error) {
	var record ledger.Record
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		var now time.Time
		var err error
		record, now, err = scanRow(tx.QueryRowContext(ctx, s.selectRows()+" WHERE id = ?"+s.db.ForUpdate(), id))
		if err != nil {
			return err
		}
		if err := change(&record, now); err != nil {
			return err
		}
		return save(ctx, tx, &record)
	})
	return record, err
}

// UpdateDue implements ledger.Store.
func (s *Store) UpdateDue(ctx context.Context, limit int, change func(r *ledger.Record, now time.Time)) ([]ledger.Record, error) {
	return s.updateMany(ctx, change,
		" WHERE wake_due <= "+s.db.Now()+" ORDER BY wake_due LIMIT ?"+s.db.SkipLocked(), limit)
}

// UpdateAwake implements ledger.Store.
func (s *Store) UpdateAwake(ctx context.Context, change func(r *ledger.Record, now time.Time)) error {
	_, err := s.updateMany(ctx, change, " WHERE wake_due IS NOT NULL"+s.db.ForUpdate())
	return err
}

func (s *Store) updateMany(ctx context.Context, change func(r *ledger.Record, now time.Time), where string, args ...any) ([]ledger.Record, error) {
	var records []ledger.Record
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, s.selectRows()+where, args...)
		if err != nil {
			return fmt.Errorf("select conversions: %w", err)
		}
		found, err := scanRows(rows)
		if err != nil {
			return err
		}
		records = found.records
		for i := range records {
			change(&records[i], found.now)
			if err := save(ctx, tx, &records[i]); err != nil {
				return err
			}
		}
		return postpone(ctx, tx, found)
	})
	return records, err
}

// unreadableDelay is how long a record that cannot be read is left alone.
const unreadableDelay = time.Hour

// postpone puts rows that cannot be read off, so that they do not stand in the way of the others.
func postpone(ctx context.Context, tx *sql.Tx, found page) error {
	for _, row := range found.unreadable {
		_, err := tx.ExecContext(ctx, "UPDATE conversions SET wake_due = ?, last_error = ? WHERE id = ?",
			database.Micros(found.now.Add(unreadableDelay)), row.Error(), row.id)
		if err != nil {
			return fmt.Errorf("put off an unreadable record: %w", err)
		}
	}
	return nil
}

func save(ctx context.Context, tx *sql.Tx, record *ledger.Record) error {
	values, err := toRow(record)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, updateStatement, append(values[1:], record.ID)...); err != nil {
		return fmt.Errorf("update conversion: %w", err)
	}
	return nil
}

// Forget implements ledger.Store.
func (s *Store) Forget(ctx context.Context, id conversion.ID) error {
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM conversions WHERE id = ?", id)
		return err
	})
	if err != nil {
		return fmt.Errorf("delete conversion: %w", err)
	}
	return nil
}

// Secret implements ledger.Store.
func (s *Store) Secret(ctx context.Context, name string, offer []byte) ([]byte, error) {
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO secrets (name, value) VALUES (?, ?)", name, offer)
		if s.db.IsDuplicate(err) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("store secret: %w", err)
	}
	var value []byte
	if err := s.db.QueryRow(ctx, "SELECT value FROM secrets WHERE name = ?", []any{name}, &value); err != nil {
		return nil, fmt.Errorf("read secret: %w", err)
	}
	return value, nil
}
