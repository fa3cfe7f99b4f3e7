package harness

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"syscall"
	"testing"
	"time"
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

// FreePort is an address of this machine that nobody listens on. It is not one that the system gives to outgoing
// connections: a process that is killed and started again must find it free.
func FreePort(t testing.TB) string {
	t.Helper()
	var config net.ListenConfig
	for {
		address := fmt.Sprintf("127.0.0.1:%d", 10_000+rand.N(10_000))
		listener, err := config.Listen(context.WithoutCancel(t.Context()), "tcp", address)
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := listener.Close(); err != nil {
			t.Fatal(err)
		}
		return address
	}
}
