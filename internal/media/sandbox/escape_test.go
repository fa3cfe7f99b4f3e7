//go:build linux && (amd64 || arm64)

package sandbox_test

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/unreel/unreel/internal/media/sandbox"
)

// whole is a box that must be whole.
func whole(t testing.TB) *sandbox.Box {
	t.Helper()
	box, err := sandbox.New(sandbox.Required)
	if err != nil {
		t.Skipf("this machine cannot show it: %v", err)
	}
	return box
}

// build compiles a program of testdata, without C, and returns its path.
func build(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	command := exec.Command("go", "build", "-o", path, "./testdata/"+name)
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, output)
	}
	return path
}

// prey is what a hostile program would like to get at.
type prey struct {
	args []string // for the program
	hits atomic.Int64
}

func newPrey(t *testing.T) *prey {
	t.Helper()
	p := &prey{}
	folder := t.TempDir()
	for _, name := range []string{"secret", "spare", "spare2"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	victim := exec.Command("sleep", "600")
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = victim.Process.Kill()
		_ = victim.Wait()
	})
	address := p.listen(t, "tcp", "127.0.0.1:0")
	p.hear(t, address)
	unix := p.listen(t, "unix", filepath.Join(folder, "socket"))
	program, err := exec.LookPath("true")
	if err != nil {
		t.Fatal(err)
	}
	p.args = []string{filepath.Join(folder, "secret"), folder, address, unix, strconv.Itoa(victim.Process.Pid), program}
	return p
}

func (p *prey) listen(t *testing.T, network, address string) string {
	t.Helper()
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			p.hits.Add(1)
			connection.Close()
		}
	}()
	return listener.Addr().String()
}

func (p *prey) hear(t *testing.T, address string) {
	t.Helper()
	socket, err := net.ListenPacket("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	go func() {
		for buffer := make([]byte, 16); ; p.hits.Add(1) {
			if _, _, err := socket.ReadFrom(buffer); err != nil {
				return
			}
		}
	}()
}

// results is what a hostile program could do, by way.
func results(output string) map[string]string {
	found := map[string]string{}
	for line := range strings.Lines(output) {
		way, result, _ := strings.Cut(strings.TrimSpace(line), ": ")
		found[way] = result
	}
	return found
}

// TestNothingGetsOut runs a hostile program outside of a box, which shows which ways out there are on this machine,
// and then inside, where there must be none.
func TestNothingGetsOut(t *testing.T) {
	box := whole(t)
	program := build(t, "hostile")

	outside := newPrey(t)
	output, err := exec.Command(program, outside.args...).Output()
	if err != nil {
		t.Fatalf("control: %v\n%s", err, output)
	}
	control, open := results(string(output)), 0
	for way, result := range control {
		if result == "done" {
			open++
		} else {
			t.Logf("closed on this machine anyway: %s: %s", way, result)
		}
	}
	// Who is not root has fewer.
	if open < 35 || os.Getuid() == 0 && open < 50 {
		t.Errorf("only %d ways are open outside: the test shows too little", open)
	}
	if hits := outside.hits.Load(); hits == 0 {
		t.Error("outside, nobody was called either")
	}

	inside := newPrey(t)
	var out, log bytes.Buffer
	process, err := box.Start(t.Context(), sandbox.Spec{Program: program, Args: inside.args, Stdout: &out, Stderr: &log})
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Wait(); err != nil {
		t.Fatalf("%v\n%s%s", err, out.String(), log.String())
	}
	boxed := results(out.String())
	for way := range control {
		if result, tried := boxed[way]; !tried || result == "done" {
			t.Errorf("%s: %q in the box", way, result)
		}
	}
	if hits := inside.hits.Load(); hits != 0 {
		t.Errorf("%d calls came out of the box", hits)
	}
	if secret, err := os.ReadFile(inside.args[0]); err != nil || string(secret) != "secret" {
		t.Errorf("the file is now %q, %v", secret, err)
	}
	t.Logf("%d ways tried, %d of them open outside", len(boxed), open)
}
