// Package harness runs the built binary for tests, as one process or as many, and uses it as a person would.
package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/unreel/unreel/test/servers"
)

// binary is the path of the program under test.
var binary string

// Main builds the program, runs the tests, stops the servers that they started and returns the exit code for
// os.Exit.
func Main(m *testing.M) int {
	dir, err := os.MkdirTemp("", "unreel-binary-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "unreel")
	build := exec.Command("go", "build", "-o", binary, "github.com/unreel/unreel/cmd/unreel")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, output)
		return 1
	}
	return servers.Main(m)
}

// Binary is the path of the program under test, for commands that end by themselves.
func Binary() string { return binary }
