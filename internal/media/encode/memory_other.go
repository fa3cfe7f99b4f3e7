//go:build !linux

package encode

func allocate(size int) ([]byte, error) { return make([]byte, size), nil }

func free([]byte) {}
