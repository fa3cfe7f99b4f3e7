package sqlusers_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/unreel/unreel/internal/store"
	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/internal/store/users"
	"github.com/unreel/unreel/internal/store/users/sqlusers"
	"github.com/unreel/unreel/internal/store/users/userstest"
	"github.com/unreel/unreel/test/servers"
)

func TestMain(m *testing.M) { os.Exit(servers.Main(m)) }

func sqliteURL(t *testing.T) string {
	t.Helper()
	return "sqlite:" + filepath.Join(t.TempDir(), "unreel.db")
}

func open(t *testing.T, url string) *sqlusers.Store {
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
	return sqlusers.New(db)
}

func migrated(t *testing.T, url string) *sqlusers.Store {
	t.Helper()
	opened := open(t, url)
	if err := opened.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return opened
}

func TestSQLite(t *testing.T) {
	userstest.Run(t, func(t *testing.T) users.Store { return migrated(t, sqliteURL(t)) })
}

func TestMySQL(t *testing.T) {
	userstest.Run(t, func(t *testing.T) users.Store { return migrated(t, servers.MariaDB(t)) })
}

func TestManyMigrateAtOnce(t *testing.T) {
	url := servers.MariaDB(t)
	const many = 4
	errs := make(chan error, many)
	for range many {
		process := open(t, url)
		go func() { errs <- process.Migrate(t.Context()) }()
	}
	for range many {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestMigrateTwiceKeepsAccounts(t *testing.T) {
	url := sqliteURL(t)
	first := migrated(t, url)
	user := users.User{ID: "6b033c4259dafd7437a38151", Email: "ada@example.com", PasswordHash: "hash"}
	if err := first.Create(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	if got, err := migrated(t, url).ByID(t.Context(), user.ID); err != nil || got != user {
		t.Errorf("got %v, %v, want %v", got, err, user)
	}
}

func TestServerAway(t *testing.T) {
	away := open(t, "mysql://user:password@127.0.0.1:1/unreel")
	_, err := away.ByEmail(t.Context(), "ada@example.com")
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
}
