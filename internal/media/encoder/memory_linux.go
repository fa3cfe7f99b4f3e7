package encoder

import (
	"os"

	"golang.org/x/sys/unix"
)

// memory makes a file that is in no folder, and so on no disk that is read-only or not to be executed from.
func memory() (*os.File, error) {
	fd, err := unix.MemfdCreate("unreel-encoder", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), "unreel-encoder"), nil
}
