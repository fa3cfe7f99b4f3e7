package encode

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// largePage is the size of a large page on most machines.
const largePage = 2 << 20

// memory is a piece of memory in large pages where the system has them: to fetch it page by page costs several per cent of all
// the time on virtual machines.
type memory struct{ mapped, bytes []byte }

// allocate returns so many bytes of zeros.
func allocate(size int) (memory, error) {
	whole := (size + largePage - 1) / largePage * largePage
	mapped, err := unix.Mmap(-1, 0, whole+largePage, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return memory{}, err
	}
	before := -uintptr(unsafe.Pointer(&mapped[0])) % largePage // large pages lie at multiples of their size
	aligned := mapped[before : int(before)+whole]
	_ = unix.Madvise(aligned, unix.MADV_HUGEPAGE) // it is as good without, only slower
	return memory{mapped, aligned[:size]}, nil
}

// free must come after the last use of the bytes.
func (m memory) free() { _ = unix.Munmap(m.mapped) } // it is ours, whole
