package servers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// FreePort returns an address, 127.0.0.1:port, that no server of any test has or will have while this process
// lives, whether its own listens there at the moment or is dead and about to be started again.
func FreePort(t testing.TB) string {
	t.Helper()
	port, err := freePort(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	return local(port)
}

// The ports lie below those that systems give to outgoing connections, one of which could otherwise take a port
// while its server is dead.
const (
	firstPort = 10_000
	ports     = 22_000
)

func freePort(ctx context.Context) (int, error) {
	for {
		port := firstPort + rand.N(ports)
		reserved, err := reserve(port)
		if err != nil {
			return 0, fmt.Errorf("reserve a port: %w", err)
		}
		if !reserved {
			continue
		}
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", local(port))
		if err == nil {
			return port, listener.Close()
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return 0, fmt.Errorf("find a free port: %w", err)
		}
	}
}

// reserve takes a port for this process, until it ends, by locking a file that all tests on this machine know:
// packages are tested at the same time, and what is free now may be another's in a moment.
func reserve(port int) (bool, error) {
	dir := filepath.Join(os.TempDir(), "unreel-test-ports")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return false, err
	}
	file, err := os.OpenFile(filepath.Join(dir, strconv.Itoa(port)), os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return false, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		file.Close()
		return false, nil //nolint:nilerr // it is another's
	}
	reservations.Store(port, file)
	return true, nil
}

// reservations keeps the locked files open: what nobody refers to is closed by the garbage collector.
var reservations sync.Map
