package servers

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// attributes has a child killed as soon as the thread that started it is gone.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// awaitStop returns when every thread of a child that was sent SIGSTOP has stopped. It leaves the news for
// whoever waits for the child.
func awaitStop(pid int) error {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WSTOPPED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
