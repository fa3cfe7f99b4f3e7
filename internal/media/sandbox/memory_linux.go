package sandbox

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// memory makes a file that is in no folder, and so on no disk that is read-only or not to be executed from.
func memory(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3 every such file could be executed
		fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	}
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	// Between fork and exec a child puts its own files at low numbers; this one must still be there.
	const high = 512
	moved, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, high)
	_ = unix.Close(fd)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(moved), name), nil
}
