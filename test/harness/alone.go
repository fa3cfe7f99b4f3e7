package harness

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Alone is an `unreel all` on a data folder and free ports of its own.
type Alone struct {
	*Process

	Data string
	URL  string
}

// StartAlone runs a system in one process until the test ends.
func StartAlone(t testing.TB, settings ...string) *Alone {
	t.Helper()
	public := FreePort(t)
	a := &Alone{Data: t.TempDir(), URL: "http://" + public}
	a.Process = Launch(t, "all", append([]string{
		"UNREEL_DATA=" + a.Data, "UNREEL_ADDR=" + public, "UNREEL_PUBLIC_URL=" + a.URL,
	}, settings...)...)
	a.Ready(t)
	return a
}

// Mails returns the mails that name an id, as they lie in the folder.
func (a *Alone) Mails(t testing.TB, id string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(a.Data, "mail", "*.eml"))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(raw), id) {
			found = append(found, string(raw))
		}
	}
	return found
}

// Blobs returns how many files of the store there are.
func (a *Alone) Blobs(t testing.TB) int {
	t.Helper()
	count := 0
	err := filepath.WalkDir(filepath.Join(a.Data, "blobs"), func(_ string, entry os.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			count++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return count
}
