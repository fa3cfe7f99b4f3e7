package servers_test

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/unreel/unreel/test/servers"
)

func TestMariaDBGivesEveryCallAnEmptyDatabase(t *testing.T) {
	first, second := open(t, servers.MariaDB(t)), open(t, servers.MariaDB(t))
	for _, db := range []*sql.DB{first, second} {
		if _, err := db.ExecContext(t.Context(), "CREATE TABLE notes (note VARCHAR(20))"); err != nil {
			t.Fatal(err)
		}
	}
	var charset string
	if err := first.QueryRowContext(t.Context(), "SELECT @@character_set_database").Scan(&charset); err != nil {
		t.Fatal(err)
	}
	if charset != "utf8mb4" {
		t.Errorf("character set is %s, want utf8mb4", charset)
	}
}

func TestMariaDBIsDroppedWithItsTest(t *testing.T) {
	var address string
	t.Run("inner", func(t *testing.T) { address = servers.MariaDB(t) })
	err := open(t, address).PingContext(t.Context())
	if failure, ok := errors.AsType[*mysql.MySQLError](err); !ok || failure.Number != 1049 {
		t.Errorf("after the test its database answers %v, want error 1049", err)
	}
}

func TestMariaDBKeepsWhatItCommittedWhenKilled(t *testing.T) {
	server := servers.NewMariaDB(t)
	db := open(t, server.Database(t))
	for _, statement := range []string{"CREATE TABLE notes (note INT)", "INSERT INTO notes VALUES (42)"} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	server.Kill(t)
	if err := db.PingContext(t.Context()); err == nil {
		t.Error("a killed server answers")
	}
	server.Restart(t)
	var note int
	if err := db.QueryRowContext(t.Context(), "SELECT note FROM notes").Scan(&note); err != nil || note != 42 {
		t.Errorf("after a restart the note is %d (%v), want 42", note, err)
	}
}

func TestMariaDBPausesAndContinues(t *testing.T) {
	server := servers.NewMariaDB(t)
	db := open(t, server.Database(t))
	if err := db.PingContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Pause(t)
	paused, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := db.PingContext(paused); err == nil {
		t.Error("a paused server answers")
	}
	server.Continue(t)
	if err := db.PingContext(t.Context()); err != nil {
		t.Errorf("after Continue: %v", err)
	}
}

func open(t *testing.T, address string) *sql.DB {
	t.Helper()
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := at.User.Password()
	db, err := sql.Open("mysql", at.User.Username()+":"+password+"@tcp("+at.Host+")"+at.Path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
