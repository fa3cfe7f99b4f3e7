package cli

import (
	"bytes"
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
