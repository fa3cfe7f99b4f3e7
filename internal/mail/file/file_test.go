package file

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/unreel/unreel/internal/mail/mailtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, dir string) *Sender {
	t.Helper()
	sender, err := New(Config{Dir: dir, From: mailtest.From})
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

func TestSender(t *testing.T) {
	mailtest.Run(t, func(t *testing.T) mailtest.Backend {
		dir := t.TempDir()
		return mailtest.Backend{
			Sender:    open(t, dir),
			Delivered: func(t *testing.T) [][]byte { return read(t, dir) },
		}
	})
}

func names(t *testing.T, dir string) (found []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		found = append(found, entry.Name())
	}
	return found
}

// read returns the mails in the order of their names, which is that of time.
func read(t *testing.T, dir string) (mails [][]byte) {
	t.Helper()
	for _, name := range names(t, dir) {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		mails = append(mails, raw)
	}
	return mails
}

func TestFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "mail")
	sender, message := open(t, dir), mailtest.Message()
	if err := sender.Send(t.Context(), message); err != nil {
		t.Fatal(err)
	}
	found := names(t, dir)
	form := `^\d{8}T\d{6}\.\d{3}Z-6b033c4259dafd7437a38151\.completed\.1@unreel\.example\.com\.eml$`
	if len(found) != 1 || !regexp.MustCompile(form).MatchString(found[0]) {
		t.Fatalf("the folder has %q, want one file like %s", found, form)
	}
	for path, want := range map[string]fs.FileMode{dir: 0o700, filepath.Join(dir, found[0]): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
	}
}

func TestOneFileAnID(t *testing.T) {
	dir := t.TempDir()
	message := mailtest.Message()
	for _, text := range []string{"first", "second"} {
		message.Text = text
		if err := open(t, dir).Send(t.Context(), message); err != nil {
			t.Fatal(err)
		}
	}
	longer := message
	longer.ID = "x" + message.ID // ends alike
	if err := open(t, dir).Send(t.Context(), longer); err != nil {
		t.Fatal(err)
	}
	mails := read(t, dir)
	if len(mails) != 2 || !strings.Contains(string(mails[0]), "second") {
		t.Errorf("there are %d mails, want 2, the first with its newer text", len(mails))
	}
}

func TestLabel(t *testing.T) {
	seen := map[string]string{}
	for _, id := range []string{
		"6b03.completed.1@localhost", "../../etc/passwd@x", "a/b@c", "a_b@c", "a?b@c", "a b@c",
		strings.Repeat("a", 300) + "@b", strings.Repeat("a", 301) + "@b",
	} {
		got := label(id)
		if strings.ContainsAny(got, "/\\?* \x00") || len(got) > 200 {
			t.Errorf("%q became %q", id, got)
		}
		if other, twice := seen[got]; twice {
			t.Errorf("%q and %q both became %q", id, other, got)
		}
		seen[got] = id
	}
	if got := label("6b03.completed.1@localhost"); got != "6b03.completed.1@localhost" {
		t.Errorf("a plain id became %q", got)
	}
}

// TestCrash starts over a file that was not whole when the process died.
func TestCrash(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{temporary + "123", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("half a ma"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	open(t, dir)
	if found := names(t, dir); len(found) != 1 || found[0] != "notes.txt" {
		t.Errorf("the folder has %q, want the stranger's file alone", found)
	}
}

func TestFolderGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mail")
	sender := open(t, dir)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := sender.Check(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("check: got %v", err)
	}
	if err := sender.Send(t.Context(), mailtest.Message()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("send: got %v", err)
	}
}

func TestConfig(t *testing.T) {
	for want, config := range map[string]Config{
		"name a folder":    {From: mailtest.From},
		"UNREEL_MAIL_FROM": {Dir: t.TempDir(), From: "nobody"},
	} {
		if _, err := New(config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error that names %s", err, want)
		}
	}
}
