package harness

import (
	"testing"
	"time"

	"github.com/unreel/unreel/test/servers"
)

// patience is for what takes a moment on a busy machine.
const patience = 3 * time.Minute

// Eventually waits until a condition holds, which it does when check returns nil.
func Eventually(t testing.TB, what string, check func() error) {
	t.Helper()
	Within(t, patience, what, check)
}

// Within is Eventually with its own patience.
func Within(t testing.TB, patience time.Duration, what string, check func() error) {
	t.Helper()
	if err := Await(t, patience, check); err != nil {
		t.Fatalf("waited %v for %s: %v", patience, what, err)
	}
}

// Await is Within for what may as well never hold: it returns what check said last.
func Await(t testing.TB, patience time.Duration, check func() error) error {
	t.Helper()
	deadline := time.After(patience)
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-deadline:
			return err
		case <-ticker.C:
		}
	}
}

// FreePort is an address of this machine that nobody else listens on while the tests of this process run.
func FreePort(t testing.TB) string {
	t.Helper()
	return servers.FreePort(t)
}
