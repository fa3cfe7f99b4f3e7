package database_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/unreel/unreel/internal/store"
	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/test/servers"
)

func TestMain(m *testing.M) { os.Exit(servers.Main(m)) }

func open(t *testing.T, url string) *database.DB {
	t.Helper()
	db, err := database.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// both runs a test on each database.
func both(t *testing.T, test func(t *testing.T, db *database.DB)) {
	t.Helper()
	urls := map[string]func(t *testing.T) string{
		"sqlite": func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "unreel.db") },
		"mysql":  func(t *testing.T) string { return servers.MariaDB(t) },
	}
	for name, url := range urls {
		t.Run(name, func(t *testing.T) { test(t, open(t, url(t))) })
	}
}

// migration makes a table of named numbers.
var migration = fstest.MapFS{
	"migrations/sqlite/00001_numbers.sql": {Data: []byte("-- +goose Up\nCREATE TABLE numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL);\n")},
	"migrations/mysql/00001_numbers.sql":  {Data: []byte("-- +goose Up\nCREATE TABLE numbers (name VARCHAR(64) PRIMARY KEY, value BIGINT NOT NULL) ENGINE = InnoDB;\n")},
}

func migrate(t *testing.T, db *database.DB) {
	t.Helper()
	if err := db.Migrate(t.Context(), "test", migration); err != nil {
		t.Fatal(err)
	}
}

func insert(ctx context.Context, db *database.DB, name string, value int64) error {
	return db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO numbers (name, value) VALUES (?, ?)`, name, value)
		return err
	})
}

func mustValue(t *testing.T, db *database.DB, name string, want int64) {
	t.Helper()
	var got int64
	if err := db.QueryRow(t.Context(), `SELECT value FROM numbers WHERE name = ?`, []any{name}, &got); err != nil || got != want {
		t.Errorf("%s is %d, %v, want %d", name, got, err, want)
	}
}

func TestURLErrorsHideThePassword(t *testing.T) {
	for _, url := range []string{
		"mysql://user:hunter2@",
		"mysql://user:hunter2@host",
		"mysql://user:hunter2@host/",
		"mysql://user:hunter2@host:port/name",
		"mysql://user:hunter2@host:3306/name%",
		"mysql://user:hunter2@[::1/name",
		"postgres://user:hunter2@host/name",
		"user:hunter2@tcp(host)/name",
		"hunter2",
		"sqlite:",
		"",
	} {
		db, err := database.Open(url)
		if err == nil {
			t.Errorf("%q was taken", url)
			db.Close()
			continue
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error for %q shows the password: %v", url, err)
		}
	}
}

func TestPathsWithOddNames(t *testing.T) {
	for _, name := range []string{"with space.db", "per%cent?.db", "a#b.db", "ü.db"} {
		path := filepath.Join(t.TempDir(), name)
		migrate(t, open(t, "sqlite:"+path))
		if _, err := os.Stat(path); err != nil {
			t.Errorf("the database is somewhere else: %v", err)
		}
	}
}

// TestNobodyListens expects an error that says that it is worth waiting, and no password in it.
func TestNobodyListens(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	db := open(t, fmt.Sprintf("mysql://user:hunter2@%s/name", listener.Addr()))
	for name, err := range map[string]error{
		"check":    db.Check(t.Context()),
		"query":    query(t.Context(), db),
		"write":    insert(t.Context(), db, "a", 1),
		"queryRow": db.QueryRow(t.Context(), "SELECT 1", nil, new(int)),
		"migrate":  db.Migrate(t.Context(), "test", migration),
	} {
		if !errors.Is(err, store.ErrUnavailable) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v, want ErrUnavailable", name, err)
		}
	}
}

func query(ctx context.Context, db *database.DB) error {
	rows, err := db.Query(ctx, "SELECT 1")
	if err != nil {
		return err
	}
	defer rows.Close()
	return rows.Err()
}

func TestConnectionLost(t *testing.T) {
	server := servers.NewMariaDB(t)
	db := open(t, server.Database(t))
	migrate(t, db)
	server.Kill(t)
	if err := insert(t.Context(), db, "a", 1); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("while it is away: got %v, want ErrUnavailable", err)
	}
	server.Restart(t)
	if err := insert(t.Context(), db, "b", 2); err != nil {
		t.Errorf("when it is back: %v", err)
	}
}

// TestCloseAfterALoss closes a database whose connections were reset while nobody used them: a stop that finds its
// server gone has not failed.
func TestCloseAfterALoss(t *testing.T) {
	address, err := url.Parse(servers.MariaDB(t))
	if err != nil {
		t.Fatal(err)
	}
	line := newLine(t, address.Host)
	address.Host = line.address()
	db, err := database.Open(address.String())
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	line.reset(t)
	if err := db.Close(); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestMigrate(t *testing.T) {
	both(t, func(t *testing.T, db *database.DB) {
		migrate(t, db)
		if err := insert(t.Context(), db, "kept", 7); err != nil {
			t.Fatal(err)
		}
		migrate(t, db)
		mustValue(t, db, "kept", 7)
	})
}

// TestMigrateWaits has a process wait for another's long migration, silently.
func TestMigrateWaits(t *testing.T) {
	t.Parallel()
	url := servers.MariaDB(t)
	long := fstest.MapFS{"migrations/mysql/00001_long.sql": {Data: []byte("-- +goose Up\nDO SLEEP(12);\n")}}
	var migrating sync.WaitGroup
	for range 2 {
		db := open(t, url)
		migrating.Go(func() {
			if err := db.Migrate(t.Context(), "test", long); err != nil {
				t.Error(err)
			}
		})
	}
	migrating.Wait()
}

func TestDuplicate(t *testing.T) {
	both(t, func(t *testing.T, db *database.DB) {
		migrate(t, db)
		if err := insert(t.Context(), db, "a", 1); err != nil {
			t.Fatal(err)
		}
		if err := insert(t.Context(), db, "a", 2); !db.IsDuplicate(err) {
			t.Errorf("got %v, want a duplicate", err)
		}
		for _, other := range []error{nil, errors.New("other"), sql.ErrNoRows, db.Check(t.Context())} {
			if db.IsDuplicate(other) {
				t.Errorf("%v is taken for a duplicate", other)
			}
		}
		mustValue(t, db, "a", 1)
	})
}

func TestRollback(t *testing.T) {
	both(t, func(t *testing.T, db *database.DB) {
		migrate(t, db)
		mine := errors.New("mine")
		err := db.Write(t.Context(), func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(t.Context(), `INSERT INTO numbers (name, value) VALUES ('a', 1)`); err != nil {
				t.Error(err)
			}
			return mine
		})
		if !errors.Is(err, mine) {
			t.Errorf("got %v, want the function's own error", err)
		}
		err = db.QueryRow(t.Context(), `SELECT value FROM numbers`, nil, new(int64))
		if !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("after the rollback: got %v, want ErrNoRows", err)
		}
	})
}

func TestClock(t *testing.T) {
	both(t, func(t *testing.T, db *database.DB) {
		now := func() time.Time {
			var micros int64
			if err := db.QueryRow(t.Context(), "SELECT "+db.Now(), nil, &micros); err != nil {
				t.Fatal(err)
			}
			return database.Time(micros)
		}
		before := now()
		if skew := time.Since(before).Abs(); skew > time.Minute {
			t.Errorf("the database's clock is %v off", skew)
		}
		db.Advance(time.Hour)
		if ahead := now().Sub(before); ahead < time.Hour || ahead > time.Hour+time.Minute {
			t.Errorf("an hour ahead is %v ahead", ahead)
		}
	})
}

func TestTime(t *testing.T) {
	for _, want := range []time.Time{{}, time.Date(2026, 2, 3, 4, 5, 6, 789012000, time.UTC), time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if got := database.Time(database.Micros(want)); !got.Equal(want) || got.IsZero() != want.IsZero() {
			t.Errorf("%v became %v", want, got)
		}
	}
}

// TestManyWriters counts in transactions that read first: one that is lost or done twice shows in the sum.
func TestManyWriters(t *testing.T) {
	both(t, func(t *testing.T, db *database.DB) {
		migrate(t, db)
		if err := insert(t.Context(), db, "sum", 0); err != nil {
			t.Fatal(err)
		}
		const writers, times = 8, 10
		var group sync.WaitGroup
		for range writers {
			group.Go(func() {
				for range times {
					if err := count(t.Context(), db, "sum"); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		mustValue(t, db, "sum", writers*times)
	})
}

func count(ctx context.Context, db *database.DB, name string) error {
	return db.Write(ctx, func(tx *sql.Tx) error {
		var value int64
		err := tx.QueryRowContext(ctx, `SELECT value FROM numbers WHERE name = ?`+db.ForUpdate(), name).Scan(&value)
		if err == nil {
			_, err = tx.ExecContext(ctx, `UPDATE numbers SET value = ? WHERE name = ?`, value+1, name)
		}
		return err
	})
}

// TestTwoProcesses has two pools on one file, as "unreel users" beside a running service.
func TestTwoProcesses(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "unreel.db")
	first, second := open(t, url), open(t, url)
	migrate(t, first)
	if err := insert(t.Context(), first, "sum", 0); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for _, db := range []*database.DB{first, second} {
		for range 4 {
			group.Go(func() {
				for range 5 {
					if err := count(t.Context(), db, "sum"); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	group.Wait()
	mustValue(t, second, "sum", 40)
}

// TestWriterWaitsWithItsContext holds the one place for a writer of SQLite.
func TestWriterWaitsWithItsContext(t *testing.T) {
	db := open(t, "sqlite:"+filepath.Join(t.TempDir(), "unreel.db"))
	migrate(t, db)
	err := db.Write(t.Context(), func(*sql.Tx) error {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if err := insert(ctx, db, "a", 1); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, store.ErrUnavailable) {
			t.Errorf("the second writer: got %v, want context.DeadlineExceeded", err)
		}
		// Readers don't wait.
		if err := db.Check(t.Context()); err != nil {
			t.Error(err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestDeadlock lets two transactions take two rows in opposite order, with both holding their first before either
// asks for its second: MySQL ends one of them, which must be run again.
func TestDeadlock(t *testing.T) {
	db := open(t, servers.MariaDB(t))
	migrate(t, db)
	for _, name := range []string{"a", "b"} {
		if err := insert(t.Context(), db, name, 0); err != nil {
			t.Fatal(err)
		}
	}
	var met, done sync.WaitGroup
	met.Add(2)
	runs := make(chan struct{}, 20)
	for _, order := range [][2]string{{"a", "b"}, {"b", "a"}} {
		meet := sync.OnceFunc(func() { met.Done(); met.Wait() })
		done.Go(func() {
			err := db.Write(t.Context(), func(tx *sql.Tx) error {
				runs <- struct{}{}
				for _, name := range order {
					if _, err := tx.ExecContext(t.Context(), `UPDATE numbers SET value = value + 1 WHERE name = ?`, name); err != nil {
						return err
					}
					meet()
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	if len(runs) < 3 {
		t.Errorf("there were %d runs: nothing was run again", len(runs))
	}
	mustValue(t, db, "a", 2)
	mustValue(t, db, "b", 2)
}

// TestFoundRows makes sure that a change that changes nothing does not look like a row that is gone.
func TestFoundRows(t *testing.T) {
	both(t, func(t *testing.T, db *database.DB) {
		migrate(t, db)
		if err := insert(t.Context(), db, "a", 1); err != nil {
			t.Fatal(err)
		}
		err := db.Write(t.Context(), func(tx *sql.Tx) error {
			result, err := tx.ExecContext(t.Context(), `UPDATE numbers SET value = 1 WHERE name = 'a'`)
			if err != nil {
				return err
			}
			if found, err := result.RowsAffected(); err != nil || found != 1 {
				t.Errorf("got %d, %v", found, err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// TestStoppedHolder changes a row that a process has locked which was stopped then: it is free soon, and what the stopped
// one has not committed is undone.
func TestStoppedHolder(t *testing.T) {
	t.Parallel()
	db := open(t, servers.MariaDB(t))
	migrate(t, db)
	if err := insert(t.Context(), db, "sum", 0); err != nil {
		t.Fatal(err)
	}
	runs := 0
	err := db.Write(t.Context(), func(tx *sql.Tx) error {
		if runs++; runs > 1 {
			return nil
		}
		if _, err := tx.ExecContext(t.Context(), `UPDATE numbers SET value = 100 WHERE name = 'sum'`); err != nil {
			return err
		}
		// Nothing is said to the server until another has changed the row.
		return count(t.Context(), db, "sum")
	})
	if !errors.Is(err, store.ErrUnavailable) || runs != 1 {
		t.Errorf("the stopped one: got %v after %d runs, want ErrUnavailable", err, runs)
	}
	mustValue(t, db, "sum", 1)
	if err := count(t.Context(), db, "sum"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestHalfOpen stops the server's clock, as a line does that is cut without a word: who waits for an answer is told soon,
// but what has been answered once may take its time.
func TestHalfOpen(t *testing.T) {
	server := servers.NewMariaDB(t)
	db := open(t, server.Database(t))
	migrate(t, db)
	db.LimitAnswer(4 * time.Second)
	err := db.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), "DO SLEEP(5)")
		return err
	})
	if err != nil {
		t.Errorf("a statement that takes its time: %v", err)
	}
	server.Pause(t)
	defer server.Continue(t)
	var asking sync.WaitGroup
	for name, ask := range map[string]func() error{
		"check":    func() error { return db.Check(t.Context()) },
		"query":    func() error { return query(t.Context(), db) },
		"write":    func() error { return insert(t.Context(), db, "a", 1) },
		"queryRow": func() error { return db.QueryRow(t.Context(), "SELECT 1", nil, new(int)) },
	} {
		asking.Go(func() {
			began := time.Now()
			// The drivers' own patience is 30 s.
			if err := ask(); !errors.Is(err, store.ErrUnavailable) || time.Since(began) > 20*time.Second {
				t.Errorf("%s: got %v after %v, want ErrUnavailable soon", name, err, time.Since(began))
			}
		})
	}
	asking.Wait()
}
