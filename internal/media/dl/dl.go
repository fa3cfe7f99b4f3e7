// Package dl opens C libraries at run time, without CGO. A program that imports it is linked dynamically: only
// cmd/unreel-encoder does, a program of its own.
package dl

import (
	"fmt"

	"github.com/ebitengine/purego"
)

// Library is a library that was opened. It stays open.
type Library struct {
	handle uintptr
}

// Open finds a library where the system's loader does. Functions are looked up when they are first called.
func Open(name string) (Library, error) {
	handle, err := purego.Dlopen(name, purego.RTLD_LAZY|purego.RTLD_LOCAL)
	if err != nil {
		return Library{}, err
	}
	return Library{handle}, nil
}

// Bind sets functions to the library's of those names, and to those of the libraries that it needs itself. Each is a pointer
// to a func with the C function's parameters.
func (l Library) Bind(functions map[string]any) error {
	for symbol, function := range functions {
		address, err := l.Address(symbol)
		if err != nil {
			return err
		}
		purego.RegisterFunc(function, address)
	}
	return nil
}

// Address is where a function is, for Call.
func (l Library) Address(symbol string) (uintptr, error) {
	address, err := purego.Dlsym(l.handle, symbol)
	if err != nil {
		return 0, fmt.Errorf("find %s: %w", symbol, err)
	}
	return address, nil
}

// Call calls a function that returns an int. It costs less than one that was bound: for what is called for each frame.
func Call(address uintptr, args ...uintptr) int32 {
	result, _, _ := purego.SyscallN(address, args...)
	return int32(result)
}
