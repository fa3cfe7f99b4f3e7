package e2e

import (
	"debug/elf"
	"runtime"
	"testing"

	"github.com/unreel/unreel/test/harness"
)

// TestBinaryIsStatic: it runs where there is no C library, though it carries a program that needs one.
func TestBinaryIsStatic(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems have no static programs")
	}
	program, err := elf.Open(harness.Binary())
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	libraries, err := program.ImportedLibraries()
	if err != nil || len(libraries) > 0 {
		t.Errorf("needs %v (%v)", libraries, err)
	}
	for _, part := range program.Progs {
		if part.Type == elf.PT_INTERP {
			t.Error("wants a dynamic loader")
		}
	}
}
