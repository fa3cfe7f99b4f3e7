package upgrade

import (
	"bytes"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/test/harness"
	"github.com/unreel/unreel/test/servers"
)

// TestBackup saves a system that runs, as docs/operations.md says, and starts another one from that: accounts, tokens and
// MP3s are there again.
func TestBackup(t *testing.T) {
	video := harness.File(t, mediatest.Video(t, mediatest.Spec{Seconds: 1, Hz: 500}))
	for name, test := range map[string]struct {
		settings func(t *testing.T) []string
		save     func(t *testing.T, running *harness.Alone, settings []string, into string)
		restore  func(t *testing.T, from string) []string
	}{
		"SQLite":  {func(*testing.T) []string { return nil }, saveSQLite, restoreSQLite},
		"MariaDB": {func(t *testing.T) []string { return []string{"UNREEL_DATABASE=" + servers.MariaDB(t)} }, saveMariaDB, restoreMariaDB},
	} {
		t.Run(name, func(t *testing.T) {
			settings, saved := test.settings(t), t.TempDir()
			before := harness.StartAlone(t, settings...)
			ada := harness.SignUp(t, before.URL, "ada@example.com")
			done := ada.Settled(t, ada.Upload(t, video))
			test.save(t, before, settings, saved)
			output(t, "", "cp", "-a", filepath.Join(before.Data, "blobs"), saved)
			ada.Upload(t, video) // is not in the backup
			before.Kill(t)

			after := harness.StartAlone(t, append(test.restore(t, saved), "UNREEL_BLOBS=file:"+filepath.Join(saved, "blobs"))...)
			old := harness.Stranger(t, after.URL)
			old.Token = ada.Token
			if got := old.Conversion(t, done.ID); got.Status != conversion.Completed {
				t.Errorf("restored: %+v", got)
			}
			old.MP3(t, done.ID)
			if got := old.Get(t, "/v1/conversions"); got.Status != http.StatusOK || strings.Count(string(got.Body), `"created_at"`) != 1 {
				t.Errorf("list: %s", got)
			}
			old.Email = ada.Email
			old.LogIn(t)
			if c := old.Settled(t, old.Upload(t, video)); c.Status != conversion.Completed {
				t.Errorf("after the restore: %+v", c)
			}
		})
	}
}

func saveSQLite(t *testing.T, running *harness.Alone, _ []string, into string) {
	db, err := database.Open("sqlite:" + filepath.Join(running.Data, "unreel.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(t.Context(), "VACUUM INTO ?", filepath.Join(into, "unreel.db"))
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		continue
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
}

func restoreSQLite(_ *testing.T, from string) []string {
	return []string{"UNREEL_DATABASE=sqlite:" + filepath.Join(from, "unreel.db")}
}

// client runs one of MariaDB's programs on the database with a URL.
func client(t *testing.T, program, address string, input []byte, args ...string) []byte {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := parsed.User.Password()
	command := exec.CommandContext(t.Context(), program, append([]string{
		"--no-defaults", "--protocol=tcp", "--host=" + parsed.Hostname(), "--port=" + parsed.Port(), "--user=" + parsed.User.Username(),
	}, append(args, strings.TrimPrefix(parsed.Path, "/"))...)...)
	command.Env = append(os.Environ(), "MYSQL_PWD="+password)
	command.Stdin = bytes.NewReader(input)
	command.Stderr = new(bytes.Buffer)
	printed, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", program, err, command.Stderr)
	}
	return printed
}

func saveMariaDB(t *testing.T, _ *harness.Alone, settings []string, into string) {
	dump := client(t, "mariadb-dump", strings.TrimPrefix(settings[0], "UNREEL_DATABASE="), nil, "--single-transaction")
	if err := os.WriteFile(filepath.Join(into, "unreel.sql"), dump, 0o600); err != nil {
		t.Fatal(err)
	}
}

func restoreMariaDB(t *testing.T, from string) []string {
	dump, err := os.ReadFile(filepath.Join(from, "unreel.sql"))
	if err != nil {
		t.Fatal(err)
	}
	fresh := servers.MariaDB(t)
	client(t, "mariadb", fresh, dump)
	return []string{"UNREEL_DATABASE=" + fresh}
}
