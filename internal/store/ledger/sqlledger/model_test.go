package sqlledger_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/unreel/unreel/internal/store/ledger/ledgertest"
	"github.com/unreel/unreel/test/servers"
)

func TestModelSQLite(t *testing.T) {
	runModel(t, func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "unreel.db") })
}

func TestModelMySQL(t *testing.T) {
	runModel(t, func(t *testing.T) string { return servers.MariaDB(t) })
}

// runModel runs the model on as many databases at once as UNREEL_TEST_MODELS says, on each as often as -rapid.checks: one
// waits more than it works.
func runModel(t *testing.T, url func(t *testing.T) string) {
	t.Parallel()
	models := 1
	if given, err := strconv.Atoi(os.Getenv("UNREEL_TEST_MODELS")); err == nil {
		models = given
	}
	for i := range models {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			ledgertest.RunModel(t, open(t, url(t)))
		})
	}
}
