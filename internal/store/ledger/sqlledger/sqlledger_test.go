package sqlledger_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/unreel/unreel/internal/store/database"
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
	return ledgertest.Backend{Store: store, Advance: db.Advance}
}
