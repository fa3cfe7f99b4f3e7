//go:build linux && (amd64 || arm64)

package sandbox_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/media/sandbox"
)

// parentEnv makes this test binary a parent that starts a program in a box and waits to be killed.
const parentEnv = "UNREEL_TEST_PARENT"

// TestEndsWithItsParent kills a parent: what it had in a box must not outlive it.
func TestEndsWithItsParent(t *testing.T) {
	if os.Getenv(parentEnv) != "" {
		beParent(t)
		return
	}
	whole(t)
	parent := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestEndsWithItsParent$")
	parent.Env = append(os.Environ(), parentEnv+"=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	if group, err := syscall.Getpgid(pid); err != nil || group != pid {
		t.Errorf("the process is in group %d, %v", group, err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	deadline := time.Now().Add(time.Minute)
	for alive(pid) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d lives on", pid)
		}
		time.Sleep(10 * time.Millisecond) //nolint:forbidigo // another process's end cannot be waited for
	}
}

// alive tells whether a process is there and no zombie.
func alive(pid int) bool {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(raw), ") Z ")
}

func beParent(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	process, err := whole(t).Start(context.Background(), sandbox.Spec{
		Program: program(t, "cat"), Stdin: read, Stdout: io.Discard,
	})
	if err != nil {
		t.Fatal(err)
	}
	for executed := ""; executed != "cat\x00"; { // it must have become the program
		raw, _ := os.ReadFile("/proc/" + strconv.Itoa(process.PID()) + "/cmdline")
		executed = string(raw[strings.LastIndexByte(string(raw), '/')+1:])
	}
	fmt.Println(process.PID()) //nolint:forbidigo // to the test
	_ = process.Wait()
}
