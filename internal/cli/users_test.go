package cli

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/internal/store/users"
	"github.com/unreel/unreel/internal/store/users/sqlusers"
)

func TestUsersRotateKey(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "unreel.db")
	var printed []string
	for range 2 {
		var out, failures bytes.Buffer
		if code := Main(t.Context(), []string{"users", "rotate-key", "--database", url}, IO{Out: &out, Err: &failures}); code != exitDone {
			t.Fatalf("exit code %d: %s", code, &failures)
		}
		printed = append(printed, strings.Fields(out.String())[0])
	}

	db, err := database.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	keys, err := sqlusers.New(db).Keys(t.Context(), users.Key{ID: "offered", Seed: make([]byte, 32), CreatedAt: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if len(keys) != 2 || keys[0].ID != printed[1] || keys[1].ID != printed[0] {
		t.Errorf("keys %+v, printed %q", keys, printed)
	}
}

func TestUsersListJSON(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "unreel.db")
	run := func(args ...string) string {
		t.Helper()
		var out, failures bytes.Buffer
		io := IO{In: strings.NewReader("correct horse battery\n"), Out: &out, Err: &failures}
		if code := Main(t.Context(), append(args, "--database", url), io); code != exitDone {
			t.Fatalf("exit code %d: %s", code, &failures)
		}
		return out.String()
	}
	run("users", "add", "ada@example.com", "--admin")
	run("users", "add", "bob@example.com")

	type shown struct {
		ID        string    `json:"id"`
		Email     string    `json:"email"`
		Admin     bool      `json:"admin"`
		CreatedAt time.Time `json:"created_at"`
	}
	admins := map[string]bool{}
	for line := range strings.Lines(run("users", "list", "--json")) {
		var user shown
		if err := json.Unmarshal([]byte(line), &user); err != nil || user.ID == "" || user.CreatedAt.IsZero() {
			t.Errorf("%q: %v", line, err)
		}
		admins[user.Email] = user.Admin
	}
	if len(admins) != 2 || !admins["ada@example.com"] || admins["bob@example.com"] {
		t.Errorf("administrators: %v", admins)
	}
}

func TestVersionJSON(t *testing.T) {
	var out bytes.Buffer
	if code := Main(t.Context(), []string{"version", "--json"}, IO{Out: &out, Err: &out}); code != exitDone {
		t.Fatalf("exit code %d: %s", code, &out)
	}
	var shown map[string]string
	if err := json.Unmarshal(out.Bytes(), &shown); err != nil || shown["version"] != version || shown["commit"] != commit || shown["platform"] == "" {
		t.Errorf("%s: %v", &out, err)
	}
}
