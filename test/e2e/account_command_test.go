package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/test/harness"
)

// TestAccountByCommand does with the commands what TestAccount does over HTTP.
func TestAccountByCommand(t *testing.T) {
	t.Parallel()
	s := harness.StartAlone(t)
	home := t.TempDir()
	command := func(input string, settings []string, args ...string) (string, string, error) {
		c := exec.CommandContext(t.Context(), harness.Binary(), args...)
		c.Env = append(os.Environ(), append(settings, "XDG_CONFIG_HOME="+home, "UNREEL_SERVER="+s.URL)...)
		var out, failures bytes.Buffer
		c.Stdin, c.Stdout, c.Stderr = strings.NewReader(input), &out, &failures
		err := c.Run()
		return out.String(), failures.String(), err
	}
	must := func(input, want string, args ...string) string {
		t.Helper()
		out, failures, err := command(input, nil, args...)
		if err != nil || !strings.Contains(out, want) {
			t.Fatalf("%v: %v, %q, %q, want %q", args, err, out, failures, want)
		}
		return out
	}
	must(harness.Password+"\n", "Signed up", "signup", "ada@example.com")
	must("", "queued", "upload", mediatest.Video(t, mediatest.Spec{Seconds: 1}))
	must("", "ada@example.com", "account")
	must("", `"retention":2592000`, "account", "show", "--json")

	key := strings.TrimSpace(must("", "unreel_", "keys", "add", "backup", "--expires", "24h"))
	asScript := []string{"UNREEL_TOKEN=" + key}
	if out, failures, err := command("", asScript, "list"); err != nil || !strings.Contains(out, "video.mp4") {
		t.Errorf("list by a key: %v, %q, %q", err, out, failures)
	}
	if _, failures, err := command("", asScript, "account", "delete", "--yes"); err == nil || !strings.Contains(failures, "Log in with the password") {
		t.Errorf("a key removes the account: %v, %q", err, failures)
	}
	listed := strings.Split(strings.TrimSpace(must("", "backup", "keys", "list")), "\n")
	if len(listed) != 2 || strings.Contains(listed[1], key) {
		t.Errorf("keys: %q", listed)
	}
	must("", "removed", "keys", "remove", strings.Fields(listed[1])[0])

	secret := strings.TrimSpace(must("", "whsec_", "webhooks", "add", "https://example.com/hook", "--on", "conversion.failed"))
	hooks := strings.Split(strings.TrimSpace(must("", "https://example.com/hook", "webhooks", "list")), "\n")
	if len(hooks) != 2 || strings.Contains(hooks[1], secret) || strings.Contains(hooks[1], "completed") {
		t.Errorf("webhooks: %q", hooks)
	}
	must("", "no more", "webhooks", "remove", strings.Fields(hooks[1])[0])

	must(harness.Password+"\nanother horse battery\n", "changed", "account", "passwd")
	must("another horse battery\n", "ada@example.org", "account", "email", "ada@example.org")
	must("another horse battery\n", "Logged in", "login", "ada@example.org")
	if _, failures, err := command("", nil, "account", "delete"); err == nil || !strings.Contains(failures, "--yes") {
		t.Errorf("delete without --yes: %v, %q", err, failures)
	}
	must("", "removed", "account", "delete", "--yes")
	if _, failures, err := command("", nil, "list"); err == nil || !strings.Contains(failures, "not logged in") {
		t.Errorf("list afterwards: %v, %q", err, failures)
	}
}
