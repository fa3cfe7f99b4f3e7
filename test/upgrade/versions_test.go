package upgrade

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Where migrations are, below the module's root.
const (
	ledgerMigrations = "internal/store/ledger/sqlledger/migrations"
	usersMigrations  = "internal/store/users/sqlusers/migrations"
)

// buildNext builds this version with one more migration of each part, as a version would that needs a new column and a
// new table.
func buildNext(t *testing.T) string {
	t.Helper()
	root, dir := output(t, "", "go", "list", "-m", "-f", "{{.Dir}}"), t.TempDir()
	replace := map[string]string{}
	for folder, statement := range map[string]string{
		ledgerMigrations: "ALTER TABLE conversions ADD COLUMN of_the_next_version BIGINT NULL",
		usersMigrations:  "CREATE TABLE of_the_next_version (id BIGINT NOT NULL PRIMARY KEY)",
	} {
		for _, dialect := range []string{"mysql", "sqlite"} {
			into := filepath.Join(root, folder, dialect)
			source := filepath.Join(dir, fmt.Sprint(len(replace), ".sql"))
			if err := os.WriteFile(source, []byte("-- +goose Up\n"+statement+";\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			replace[filepath.Join(into, "99999_of_the_next_version.sql")] = source
		}
	}
	overlay := filepath.Join(dir, "overlay.json")
	raw, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(overlay, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return build(t, root, filepath.Join(dir, "unreel"), "-overlay="+overlay)
}

// buildPrevious builds the version before the schema was last changed, or returns "" where the history of this
// checkout does not go back that far.
func buildPrevious(t *testing.T) string {
	t.Helper()
	root, dir := output(t, "", "go", "list", "-m", "-f", "{{.Dir}}"), t.TempDir()
	if _, err := exec.LookPath("git"); err != nil {
		return ""
	}
	changed, err := exec.CommandContext(t.Context(), "git", "-C", root, "log", "-1", "--format=%H^", "--", ledgerMigrations, usersMigrations).Output()
	if err != nil || len(changed) == 0 {
		return ""
	}
	archive := filepath.Join(dir, "source.tar")
	if err := exec.CommandContext(t.Context(), "git", "-C", root, "archive", "-o", archive, strings.TrimSpace(string(changed))).Run(); err != nil {
		return "" // a shallow clone
	}
	source := filepath.Join(dir, "source")
	if err := os.Mkdir(source, 0o700); err != nil {
		t.Fatal(err)
	}
	output(t, dir, "tar", "-xf", archive, "-C", source)
	return build(t, source, filepath.Join(dir, "unreel"))
}

// build builds the program from a folder. Without paths in it, what has not changed comes from the cache.
func build(t *testing.T, dir, path string, flags ...string) string {
	t.Helper()
	output(t, dir, "go", append(append([]string{"build", "-trimpath", "-buildvcs=false", "-o", path}, flags...), "./cmd/unreel")...)
	return path
}

// output runs a command that must succeed.
func output(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir = dir
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	printed, err := command.Output()
	if err != nil {
		if failed, ok := err.(*exec.ExitError); ok {
			t.Fatalf("%s %v: %v\n%s", name, args, err, failed.Stderr)
		}
		t.Fatalf("%s %v: %v", name, args, err)
	}
	return strings.TrimSpace(string(printed))
}
