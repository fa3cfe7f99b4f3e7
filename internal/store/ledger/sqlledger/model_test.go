package sqlledger_test

import (
	"path/filepath"
	"testing"

	"github.com/unreel/unreel/internal/store/ledger/ledgertest"
	"github.com/unreel/unreel/test/servers"
)

func TestModelSQLite(t *testing.T) {
	t.Parallel()
	ledgertest.RunModel(t, open(t, "sqlite:"+filepath.Join(t.TempDir(), "unreel.db")))
}

func TestModelMySQL(t *testing.T) {
	t.Parallel()
	ledgertest.RunModel(t, open(t, servers.MariaDB(t)))
}
