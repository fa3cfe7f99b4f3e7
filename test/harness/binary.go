// Package harness runs the built binary for tests, as one process or as many, and uses it as a person would.
package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/unreel/unreel/test/servers"
)

// binary is the path of the program under test.
var binary string

// programVariable names a program for tests to run instead of building one: a release, or scripts/in-container, which
// runs the images.
const programVariable = "UNREEL_TEST_PROGRAM"

// launcherEnv is what a launcher in the program's place needs to reach the Docker that this user reaches: a socket
// elsewhere, a context. The program itself never sees it.
func launcherEnv() []string {
	if os.Getenv(programVariable) == "" {
		return nil
	}
	var env []string
	if home, err := os.UserHomeDir(); err == nil {
		env = append(env, "DOCKER_CONFIG="+filepath.Join(home, ".docker"))
	}
	for _, variable := range os.Environ() {
		if strings.HasPrefix(variable, "DOCKER") {
			env = append(env, variable)
		}
	}
	return env
}

// Main builds the program, runs the tests, stops the servers that they started and returns the exit code for
// os.Exit.
func Main(m *testing.M) int {
	if given := os.Getenv(programVariable); given != "" {
		binary = given
		return servers.Main(m)
	}
	dir, err := os.MkdirTemp("", "unreel-binary-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "unreel")
	if err := build(binary, ""); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return servers.Main(m)
}

func build(path, tags string) error {
	command := exec.Command("go", "build", "-tags", tags, "-o", path, "github.com/unreel/unreel/cmd/unreel")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, output)
	}
	return nil
}

// Build builds the program once more with build tags, and returns its path.
func Build(t testing.TB, tags string) string {
	t.Helper()
	tagged.Lock()
	defer tagged.Unlock()
	path := binary + "-" + tags
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if err := build(path, tags); err != nil {
		t.Fatal(err)
	}
	return path
}

// tagged is held while somebody builds, so that nobody runs half a program.
var tagged sync.Mutex

// Binary is the path of the program under test, for commands that end by themselves.
func Binary() string { return binary }
