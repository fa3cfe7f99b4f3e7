// Package servers starts the real servers that tests need: each on a free port of 127.0.0.1, on data of its own
// and without the configuration of this machine, so that a server that is already there is neither needed
// nor touched.
//
// A server starts when the first test asks for it, serves all tests of the process, and dies with the process,
// however that ends. Tests that kill or pause a server start one for themselves with a New function. A
// package that uses servers has
//
//	func TestMain(m *testing.M) { os.Exit(servers.Main(m)) }
//
// so that they stop, and their data goes, when the last test has run.
package servers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Watcher is the function that waits for a server to end, for tests that use
// goleak.IgnoreAnyFunction(servers.Watcher) while a server is running.
const Watcher = "github.com/unreel/unreel/test/servers.(*process).watch"

// patience is how long a server may take to start or to answer: long, since many start at once on a small machine.
const patience = 4 * time.Minute

// M runs tests and then stops the servers that they shared: goleak.VerifyTestMain(servers.M{M: m}).
type M struct{ *testing.M }

// Run runs the tests, stops the servers and returns the exit code.
func (m M) Run() int {
	code := m.M.Run()
	if err := closeShared(); err != nil {
		slog.Error("stop servers", "error", err) //nolint:sloglint // there is no logger before or after tests
		return max(code, 1)
	}
	return code
}

// Main runs the tests, stops the servers and returns the exit code for os.Exit.
func Main(m *testing.M) int {
	return M{M: m}.Run()
}

// shared is what the tests of this process have started together, to be closed last in first out.
var shared struct {
	sync.Mutex
	closers []func() error
}

func closeShared() error {
	shared.Lock()
	defer shared.Unlock()
	var err error
	for _, closer := range slices.Backward(shared.closers) {
		err = errors.Join(err, closer())
	}
	shared.closers = nil
	return err
}

// atExit has something closed when the tests of this process have run.
func atExit(closer func() error) {
	shared.Lock()
	defer shared.Unlock()
	shared.closers = append(shared.closers, closer)
}

// once returns a function that starts a server at its first call and returns the same one from then on. A
// failure lasts as well: another try would end alike, minutes later.
func once[S interface{ close() error }](start func(context.Context) (S, error)) func() (S, error) {
	return sync.OnceValues(func() (S, error) {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		server, err := start(ctx)
		if err == nil {
			atExit(server.close)
		}
		return server, err
	})
}

// own starts a server for one test, which ends with it.
func own[S interface{ close() error }](t testing.TB, start func(context.Context) (S, error)) S {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	server, err := start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// local is the address of a port of 127.0.0.1.
func local(port int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

// isRefused tells whether an error means that nobody listens, as after a test that has killed its server.
func isRefused(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED)
}

// find returns the path of an installed program, given by its name or by where it is first looked for.
func find(program string) (string, error) {
	name := filepath.Base(program)
	// Debian keeps servers where an ordinary user's PATH does not look.
	for _, candidate := range []string{program, name, "/usr/sbin/" + name, "/usr/local/sbin/" + name} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed: `make test` installs what tests need", name)
}
