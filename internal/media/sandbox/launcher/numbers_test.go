//go:build linux && (amd64 || arm64)

package launcher

import "testing"

// TestNumbers compares the numbers that are written here with those of x/sys, which are made from the kernel's sources.
func TestNumbers(t *testing.T) {
	if names != allowed {
		t.Errorf("allowed is %v, want %v", allowed, names)
	}
	for got, want := range calls {
		if got != want {
			t.Errorf("a call is %d, want %d", got, want)
		}
	}
}

// TestFilterFits holds the filter's blocks to what one jump of it can cross.
func TestFilterFits(t *testing.T) {
	var f filter
	f.build(1, 2, 3)
	for i, instruction := range f.instructions[:f.length] {
		if next := i + 1 + int(max(instruction.then, instruction.other)); instruction.code != returnAction && next >= f.length {
			t.Errorf("instruction %d jumps to %d of %d", i, next, f.length)
		}
	}
	if last := f.instructions[f.length-1]; last.value != actionErrno|notPermitted {
		t.Errorf("what is not on the list: %#x", last.value)
	}
}
