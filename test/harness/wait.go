package harness

import (
	"context"
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
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("waited %v for %s: %v", patience, what, err)
		case <-ticker.C:
		}
	}
}

// FreePort is an address of this machine that nobody else listens on while the tests of this process run.
func FreePort(t testing.TB) string {
	t.Helper()
	return servers.FreePort(t)
}
