package database

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/unreel/unreel/internal/store"
)

// sqliteReaders is how many connections may read beside the one that writes.
const sqliteReaders = 8

func openSQLite(address string) (*DB, error) {
	path := strings.TrimPrefix(address, "sqlite:")
	if path == "" {
		return nil, errors.New("a sqlite: URL needs a path, such as sqlite:data/unreel.db")
	}
	options := url.Values{
		"_txlock": {"immediate"},
		"_pragma": {
			"busy_timeout(10000)",
			"journal_mode(WAL)",
			// FULL, for the answer 202 is a promise that must survive a power cut.
			"synchronous(FULL)",
			"foreign_keys(ON)",
		},
	}
	name := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: options.Encode()}).String()
	pool, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, fmt.Errorf("open sqlite: %w", err)
	}
	pool.SetMaxOpenConns(sqliteReaders)
	return &DB{
		pool: pool,
		dialect: dialect{
			name:   "sqlite",
			now:    "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
			tables: "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?",
			duplicate: func(err error) bool {
				code := sqliteCode(err)
				return code == sqlite3.SQLITE_CONSTRAINT_UNIQUE || code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
			},
			transient: func(err error) bool { return sqliteCode(err)&0xff == sqlite3.SQLITE_BUSY },
			translate: translateSQLite,
		},
		writer: make(chan struct{}, 1),
	}, nil
}

func sqliteCode(err error) int {
	if failure, ok := errors.AsType[*sqlite.Error](err); ok {
		return failure.Code()
	}
	return 0
}

func translateSQLite(err error) error {
	if sqliteCode(err)&0xff == sqlite3.SQLITE_FULL {
		return fmt.Errorf("%w: %w", store.ErrFull, err)
	}
	return err
}
