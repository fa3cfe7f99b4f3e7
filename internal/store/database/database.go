// Package database opens the SQL database that the ledger and the accounts live in, SQLite alone or MySQL
// in a cluster, and evens out where the two differ, so that each statement is written once.
//
// Points in time are stored as microseconds since 1970 in UTC. That is the one form in which both databases
// calculate alike, and in which neither a session's time zone nor a driver can change what was meant.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/unreel/unreel/internal/store"
)

// DB is an open database. All methods may be called concurrently.
type DB struct {
	pool    *sql.DB
	dialect dialect
	// migrating opens a pool whose connections may be silent for long, as those are that wait for another process to
	// migrate; nil: all of them may.
	migrating func() *sql.DB
	// patience is how long the database may take for the first answer, in nanoseconds; 0: as long as the driver lets it.
	patience atomic.Int64
	// ahead is added to the database's clock: 0 outside tests.
	ahead atomic.Int64
	// writer has room for one where the database takes one writer at a time. Waiting here is fair and
	// ends with the context; waiting in SQLite's busy handler is neither.
	writer chan struct{}
}

// dialect is what differs between the databases.
type dialect struct {
	name       string
	remote     bool // a server, which may be away
	isolation  sql.IsolationLevel
	now        string // an expression: microseconds since 1970
	forUpdate  string // locks the rows that a SELECT finds
	skipLocked string // the same, passing over rows that another holds
	tables     string // a SELECT that counts the tables of a name
	duplicate  func(error) bool
	transient  func(error) bool
	translate  func(error) error
}

// Open opens a database by its URL: "sqlite:" and a path, or "mysql://user:password@host:port/name". It
// connects when first used, so a MySQL that is away is no error here.
func Open(url string) (*DB, error) {
	scheme, err := schemeOf(url)
	if err != nil {
		return nil, err
	}
	switch scheme {
	case "sqlite":
		return openSQLite(url)
	case "mysql":
		return openMySQL(url)
	default:
		return nil, fmt.Errorf("database scheme %q is not known: use sqlite: or mysql://", scheme)
	}
}

// Close closes every connection.
func (d *DB) Close() error {
	err := d.pool.Close()
	if d.dialect.remote {
		// All that can fail is to take leave of a server that has gone. What was committed is committed.
		return nil
	}
	return err
}

// Check returns nil when the database answers.
func (d *DB) Check(ctx context.Context) error {
	ctx, call := d.begin(ctx)
	defer call.end()
	return d.wrap("ping", call.answered(ctx, d.pool.PingContext(ctx)))
}

// Advance puts the database's clock ahead, for tests of what happens when time has passed.
func (d *DB) Advance(by time.Duration) {
	d.ahead.Add(by.Microseconds())
}

// LimitAnswer sets how long the database may take for the first answer to anything. It is for processes in which somebody
// waits to be told to come back later: behind a line that is half open, no answer ever comes. Others had better wait.
func (d *DB) LimitAnswer(limit time.Duration) {
	d.patience.Store(int64(limit))
}

// Now is an SQL expression for the database's clock in microseconds since 1970.
func (d *DB) Now() string {
	return fmt.Sprintf("(%s + %d)", d.dialect.now, d.ahead.Load())
}

// ForUpdate ends a SELECT whose rows this transaction is going to change.
func (d *DB) ForUpdate() string { return d.dialect.forUpdate }

// SkipLocked ends a SELECT that takes whatever rows no other transaction holds.
func (d *DB) SkipLocked() string { return d.dialect.skipLocked }

// IsDuplicate tells whether an error means that a unique key exists already.
func (d *DB) IsDuplicate(err error) bool { return d.dialect.duplicate(err) }

// Query runs a SELECT outside a transaction.
func (d *DB) Query(ctx context.Context, query string, args ...any) (*Rows, error) {
	ctx, call := d.begin(ctx)
	rows, err := d.pool.QueryContext(ctx, query, args...) //nolint:rowserrcheck // the caller does
	if err = call.answered(ctx, err); err != nil {
		call.end()
		return nil, d.wrap("query", err)
	}
	return &Rows{Rows: rows, end: call.end}, nil
}

// QueryRow runs a SELECT for one row outside a transaction and scans it; sql.ErrNoRows if there is none.
func (d *DB) QueryRow(ctx context.Context, query string, args []any, into ...any) error {
	ctx, call := d.begin(ctx)
	defer call.end()
	return d.wrap("query", call.answered(ctx, d.pool.QueryRowContext(ctx, query, args...).Scan(into...)))
}

// attempts is how often a transaction that lost a deadlock is run.
const attempts = 10

// Write runs a transaction that may change rows, again if the database asks for it: the function
// must not have effects outside of the transaction. An error from it rolls back and is returned as it is.
func (d *DB) Write(ctx context.Context, do func(*sql.Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := d.write(ctx, do)
		if err == nil || !d.dialect.transient(err) || attempt == attempts {
			return d.wrap("transaction", err)
		}
		select {
		case <-ctx.Done():
			return d.wrap("transaction", ctx.Err())
		case <-time.After(rand.N(time.Duration(attempt) * 10 * time.Millisecond)):
		}
	}
}

func (d *DB) write(ctx context.Context, do func(*sql.Tx) error) error {
	if d.writer != nil {
		select {
		case d.writer <- struct{}{}:
			defer func() { <-d.writer }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	ctx, call := d.begin(ctx)
	defer call.end()
	tx, err := d.pool.BeginTx(ctx, &sql.TxOptions{Isolation: d.dialect.isolation})
	if err = call.answered(ctx, err); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := do(tx); err != nil {
		return errors.Join(err, ignoreDone(tx.Rollback()))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// ignoreDone drops the error of rolling back what the context's end or a lost connection has rolled back.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) || isLost(err) {
		return nil
	}
	return err
}

// wrap adds the store's sentinel to an error that says that the server cannot do its work now.
func (d *DB) wrap(operation string, err error) error {
	switch {
	case err == nil:
		return nil
	case isLost(err):
		return fmt.Errorf("%s %s: %w: %w", d.dialect.name, operation, store.ErrUnavailable, err)
	default:
		return d.dialect.translate(err)
	}
}
