package sqlledger_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/internal/store/ledger"
	"github.com/unreel/unreel/internal/store/ledger/ledgertest"
	"github.com/unreel/unreel/internal/store/ledger/sqlledger"
	"github.com/unreel/unreel/test/servers"
)

func TestMain(m *testing.M) { os.Exit(servers.Main(m)) }

func TestSQLite(t *testing.T) {
	t.Parallel()
	ledgertest.Run(t, func(t *testing.T) ledgertest.Backend {
		return open(t, "sqlite:"+filepath.Join(t.TempDir(), "unreel.db"))
	})
}

func TestMySQL(t *testing.T) {
	t.Parallel()
	ledgertest.Run(t, func(t *testing.T) ledgertest.Backend {
		return open(t, servers.MariaDB(t))
	})
}

func open(t *testing.T, url string) ledgertest.Backend {
	db, store := migrated(t, url)
	return ledgertest.Backend{Store: store, Advance: db.Advance, Look: store.Look}
}

// migrated opens a database whose tables are up to date.
func migrated(t *testing.T, url string) (*database.DB, *sqlledger.Store) {
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
	store := sqlledger.New(db)
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db, store
}

func TestUnreadableRecord(t *testing.T) {
	for name, url := range map[string]string{
		"SQLite": "sqlite:" + filepath.Join(t.TempDir(), "unreel.db"),
		"MySQL":  servers.MariaDB(t),
	} {
		t.Run(name, func(t *testing.T) {
			db, store := migrated(t, url)
			keeper := ledger.New(store, ledger.DefaultConfig())
			ids := []conversion.ID{conversion.NewID(time.Now()), conversion.NewID(time.Now())}
			for _, id := range ids {
				if _, err := keeper.Receive(t.Context(), ledger.Upload{ID: id, Owner: "ada"}); err != nil {
					t.Fatal(err)
				}
				if _, err := keeper.Accept(t.Context(), id, 1, "00"); err != nil {
					t.Fatal(err)
				}
			}
			err := db.Write(t.Context(), func(tx *sql.Tx) error {
				_, err := tx.ExecContext(t.Context(), "UPDATE conversions SET options = '{' WHERE id = ?", ids[0])
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			woken, err := keeper.ClaimDue(t.Context(), 10)
			if err != nil || len(woken) != 1 || woken[0].ID != ids[1] {
				t.Errorf("due: %+v, %v; want only %s", woken, err, ids[1])
			}
			if _, err := keeper.Peek(t.Context(), ids[0]); err == nil {
				t.Error("an unreadable record was read")
			}
			if err := keeper.Recover(t.Context()); err != nil {
				t.Errorf("recover: %v", err)
			}
		})
	}
}

// newerSteps is how many migrations there are from the traces on.
var newerSteps = map[string]int{"SQLite": 9, "MySQL": 5}

// TestOlderRows writes as a program did that knew nothing of traces, into its tables, and upgrades them.
func TestOlderRows(t *testing.T) {
	for name, url := range map[string]string{
		"SQLite": "sqlite:" + filepath.Join(t.TempDir(), "unreel.db"),
		"MySQL":  servers.MariaDB(t),
	} {
		t.Run(name, func(t *testing.T) {
			db, err := database.Open(url)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			store := sqlledger.New(db)
			keeper := ledger.New(store, ledger.DefaultConfig())
			change := func(statement string, args ...any) {
				t.Helper()
				err := db.Write(t.Context(), func(tx *sql.Tx) error {
					_, err := tx.ExecContext(t.Context(), statement, args...)
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			insert := func(id conversion.ID) {
				t.Helper()
				change(`INSERT INTO conversions (id, owner, username, status, progress, video, options, attempts,
					created_at, started_at, finished_at, expires_at, fence, lease_until, not_before, wake_due, wakes,
					queued_at, last_error, mail_status, mail_fence, mail_lease_until, mail_attempts, mail_uncertain, files_gone)
					VALUES (?, 'ada', 'ada@example.com', 'queued', 0, '{}', '{}', 0, 1, 0, 0, 0, 1, 0, 1, 1, 0, 1, '', 'none', 0, 0, 0, 0, 0)`, id)
			}
			if err := store.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			change("ALTER TABLE conversions DROP COLUMN trace")
			change("ALTER TABLE conversions DROP COLUMN pieces")
			for _, newer := range []string{"closed_owners", "webhooks", "deliveries"} {
				change("DROP TABLE " + newer)
			}
			for range newerSteps[name] {
				change("DELETE FROM ledger_migrations WHERE version_id = (SELECT version FROM (SELECT MAX(version_id) AS version FROM ledger_migrations) AS newest)")
			}
			before, during := conversion.NewID(time.Now()), conversion.NewID(time.Now())
			insert(before)
			if err := store.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			insert(during) // by one that has not been replaced yet
			for _, id := range []conversion.ID{before, during} {
				record, err := keeper.Claim(t.Context(), id)
				if err != nil || record.Trace != "" || record.Pieces.Length != 0 {
					t.Errorf("claim of an older program's row: trace %q, pieces %+v, %v", record.Trace, record.Pieces, err)
				}
			}
		})
	}
}

// TestWebhookWhileTheAccountEnds adds a webhook as a transaction does that has not seen the end of its owner's account.
func TestWebhookWhileTheAccountEnds(t *testing.T) {
	db, store := migrated(t, "sqlite:"+filepath.Join(t.TempDir(), "unreel.db"))
	keeper := ledger.New(store, ledger.DefaultConfig())
	for _, owner := range []string{"ada", "bob"} {
		if err := store.AddWebhook(t.Context(), ledger.Webhook{ID: owner, Owner: owner, Secret: []byte{1}, Events: ledger.WebhookEvents}); err != nil {
			t.Fatal(err)
		}
	}
	err := db.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), "INSERT INTO closed_owners (owner, closed_at) VALUES ('ada', "+db.Now()+")")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	db.Advance(keeper.Config().TombstoneLife + time.Minute)
	if _, err := keeper.ClearClosed(t.Context()); err != nil {
		t.Fatal(err)
	}
	for owner, want := range map[string]int{"ada": 0, "bob": 1} {
		if got, err := store.Webhooks(t.Context(), owner); err != nil || len(got) != want {
			t.Errorf("%s has %+v, %v, want %d", owner, got, err, want)
		}
	}
}
