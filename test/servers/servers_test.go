package servers_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/unreel/unreel/test/servers"
)

func TestMain(m *testing.M) { os.Exit(servers.Main(m)) }

// childVariable is set where TestEnd runs in a process of its own, which starts a server and waits to be ended.
const childVariable = "UNREEL_TEST_SERVERS_CHILD"

func TestEnd(t *testing.T) {
	if os.Getenv(childVariable) != "" {
		beChild(t)
		return
	}
	t.Setenv("TMPDIR", t.TempDir())
	t.Run("killed", func(t *testing.T) {
		cmd, _, address := child(t)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		waitRefused(t, address)
		if len(temporary(t)) == 0 {
			t.Error("nothing is left on disk, so the next test has nothing to show")
		}
	})
	t.Run("orderly", func(t *testing.T) {
		cmd, input, address := child(t)
		if err := input.Close(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		waitRefused(t, address)
		if left := temporary(t); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
}

func beChild(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(os.Stdout, servers.MariaDB(t)+"\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		t.Fatal(err)
	}
}

// child runs beChild in a process of its own and returns the address of its server.
func child(t *testing.T) (*exec.Cmd, io.Closer, string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestEnd$")
	cmd.Env = append(os.Environ(), childVariable+"=1")
	cmd.Stderr = os.Stderr
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	dial(t, address.Host)
	return cmd, input, address.Host
}

func dial(t *testing.T, address string) {
	t.Helper()
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatalf("the server does not serve: %v", err)
	}
	connection.Close()
}

// waitRefused returns when nobody listens on an address any more.
func waitRefused(t *testing.T, address string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			break
		}
		connection.Close()
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
	if ctx.Err() != nil {
		t.Error("the server outlived the process that started it")
	}
}

func temporary(t *testing.T) []os.DirEntry {
	t.Helper()
	entries, err := os.ReadDir(os.Getenv("TMPDIR"))
	if err != nil {
		t.Fatal(err)
	}
	// The ports that were reserved are known by files that stay.
	return slices.DeleteFunc(entries, func(entry os.DirEntry) bool { return entry.Name() == "unreel-test-ports" })
}
