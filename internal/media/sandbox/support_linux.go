package sandbox

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/unreel/unreel/internal/media/sandbox/launcher"
)

// self is this program, even where its file has been replaced since.
const self = "/proc/self/exe"

// detect asks the kernel. That it has Landlock at all is enough: what its first version leaves open (TCP,
// truncating, signals, …) takes system calls that the filter does not allow.
func detect() support {
	if !launcher.Supported {
		return support{}
	}
	version, _, failed := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	action := uint32(unix.SECCOMP_RET_KILL_PROCESS)
	_, _, refused := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&action)))
	return support{landlock: failed == 0 && version >= 1, seccomp: refused == 0}
}
