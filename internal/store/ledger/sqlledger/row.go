package sqlledger

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/internal/store/ledger"
)

// columns is every column, in the order of toRow and of scanRow.
var columns = []string{
	"id", "owner", "username", "status", "progress", "video", "options", "mp3", "failure", "attempts",
	"created_at", "started_at", "finished_at", "expires_at",
	"fence", "lease_until", "not_before", "wake_due", "wakes", "queued_at", "last_error",
	"mail_status", "mail_fence", "mail_lease_until", "mail_attempts", "mail_uncertain",
	"files_due", "files_gone", "idempotency_key", "trace", "pieces",
}

var (
	insertStatement = "INSERT INTO conversions (" + strings.Join(columns, ", ") + ") VALUES (" + marks(len(columns)) + ")"
	updateStatement = "UPDATE conversions SET " + strings.Join(columns[1:], " = ?, ") + " = ? WHERE id = ?"
)

// selectRows begins a SELECT of rows with the database's clock behind the columns.
func (s *Store) selectRows() string {
	return "SELECT " + strings.Join(columns, ", ") + ", " + s.db.Now() + " FROM conversions"
}

// maxLastError keeps an error that quotes a program's output from filling the table, in bytes.
const maxLastError = 4000

func toRow(r *ledger.Record) ([]any, error) {
	var failed error
	text := func(value any) string {
		raw, err := json.Marshal(value)
		failed = errors.Join(failed, err)
		return string(raw)
	}
	row := []any{
		r.ID, r.Owner, r.Username, r.Status, r.Progress, text(r.Video), text(r.Options),
		sql.NullString{String: text(r.MP3), Valid: r.MP3 != nil},
		sql.NullString{String: text(r.Failure), Valid: r.Failure != nil},
		r.Attempts,
		database.Micros(r.CreatedAt), database.Micros(r.StartedAt), database.Micros(r.FinishedAt), database.Micros(r.ExpiresAt),
		r.Fence, database.Micros(r.LeaseUntil), database.Micros(r.NotBefore), due(r.WakeDue), r.Wakes,
		database.Micros(r.QueuedAt), strings.ToValidUTF8(r.LastError[:min(len(r.LastError), maxLastError)], ""),
		r.Mail.Status, r.Mail.Fence, database.Micros(r.Mail.LeaseUntil), r.Mail.Attempts, r.Mail.Uncertain,
		due(r.FilesDue), r.FilesGone,
		sql.NullString{String: r.IdempotencyKey, Valid: r.IdempotencyKey != ""},
		r.Trace,
		sql.NullString{String: text(r.Pieces), Valid: r.Pieces.Length > 0},
	}
	if failed != nil {
		return nil, fmt.Errorf("encode conversion: %w", failed)
	}
	return row, nil
}

// due is a time that an index finds only when it is set.
func due(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: database.Micros(t), Valid: !t.IsZero()}
}

// micros scans a time.
type micros struct{ into *time.Time }

// Scan implements sql.Scanner.
func (m micros) Scan(value any) error {
	var stored sql.NullInt64
	if err := stored.Scan(value); err != nil {
		return err
	}
	*m.into = database.Time(stored.Int64)
	return nil
}

// document scans a JSON text; NULL leaves what it scans into alone. That a text cannot be read must not keep the
// other columns from being scanned.
type document struct {
	into   any
	failed *error
}

// Scan implements sql.Scanner.
func (d document) Scan(value any) error {
	var text sql.NullString
	if err := text.Scan(value); err != nil || !text.Valid {
		return err
	}
	if err := json.Unmarshal([]byte(text.String), d.into); err != nil {
		*d.failed = errors.Join(*d.failed, err)
	}
	return nil
}

// unreadableError is a row that somebody else has written, or a newer version of this program.
type unreadableError struct {
	id    conversion.ID
	cause error
}

// Error names the row.
func (e *unreadableError) Error() string {
	return fmt.Sprintf("the record of %s cannot be read: %v", e.id, e.cause)
}

type scanner interface {
	Scan(into ...any) error
}

func scanRow(row scanner) (r ledger.Record, now time.Time, err error) {
	var key sql.NullString
	var unreadable error
	err = row.Scan(
		&r.ID, &r.Owner, &r.Username, &r.Status, &r.Progress,
		document{&r.Video, &unreadable}, document{&r.Options, &unreadable},
		document{&r.MP3, &unreadable}, document{&r.Failure, &unreadable}, &r.Attempts,
		micros{&r.CreatedAt}, micros{&r.StartedAt}, micros{&r.FinishedAt}, micros{&r.ExpiresAt},
		&r.Fence, micros{&r.LeaseUntil}, micros{&r.NotBefore}, micros{&r.WakeDue}, &r.Wakes,
		micros{&r.QueuedAt}, &r.LastError,
		&r.Mail.Status, &r.Mail.Fence, micros{&r.Mail.LeaseUntil}, &r.Mail.Attempts, &r.Mail.Uncertain,
		micros{&r.FilesDue}, &r.FilesGone, &key, &r.Trace,
		document{&r.Pieces, &unreadable}, micros{&now},
	)
	r.IdempotencyKey = key.String
	if errors.Is(err, sql.ErrNoRows) {
		return r, now, ledger.ErrNotFound
	}
	if err != nil {
		return r, now, fmt.Errorf("scan conversion: %w", err)
	}
	if unreadable != nil {
		return r, now, &unreadableError{r.ID, unreadable}
	}
	return r, now, nil
}

// page is what a SELECT found.
type page struct {
	records    []ledger.Record
	unreadable []*unreadableError
	now        time.Time
}

func scanRows(rows *sql.Rows) (found page, err error) {
	defer rows.Close()
	for rows.Next() {
		record, now, err := scanRow(rows)
		found.now = now
		if unreadable, ok := errors.AsType[*unreadableError](err); ok {
			found.unreadable = append(found.unreadable, unreadable)
			continue
		}
		if err != nil {
			return page{}, err
		}
		found.records = append(found.records, record)
	}
	if err := rows.Err(); err != nil {
		return page{}, fmt.Errorf("read conversions: %w", err)
	}
	return found, nil
}
