//go:build !linux

package encode

// allocate returns so many bytes of zeros.
func allocate(size int) ([]byte, error) { return make([]byte, size), nil }

func free([]byte) {}
