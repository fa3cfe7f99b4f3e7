//go:build !linux

package encode

// memory is a piece of memory.
type memory struct{ bytes []byte }

// allocate returns so many bytes of zeros.
func allocate(size int) (memory, error) { return memory{make([]byte, size)}, nil }

func (m memory) free() {}
