package sandbox

import "syscall"

// ownGroup puts a process into a group of its own, which can be killed as one, and lets the kernel kill it
// when its parent dies.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
