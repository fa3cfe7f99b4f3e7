package encode

import "golang.org/x/sys/unix"

// allocate returns so many bytes of zeros, in large pages where the system has them: to fetch memory page by page costs
// several per cent of all the time on virtual machines. A mapping of whole large pages begins at one, since Linux 6.13.
func allocate(size int) ([]byte, error) {
	const largePage = 2 << 20
	whole := (size + largePage - 1) / largePage * largePage
	memory, err := unix.Mmap(-1, 0, whole, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, err
	}
	_ = unix.Madvise(memory, unix.MADV_HUGEPAGE) // it is as good without, only slower
	return memory, nil
}

// free must come after the last use of memory.
func free(memory []byte) { _ = unix.Munmap(memory) } // it is ours, whole
