//go:build !linux

package sandbox

import "syscall"

// ownGroup puts a process into a group of its own, which can be killed as one.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
