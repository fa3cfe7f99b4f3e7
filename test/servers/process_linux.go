package servers

import "syscall"

// attributes has a child killed as soon as the thread that started it is gone.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
