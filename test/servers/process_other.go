//go:build !linux

package servers

import "syscall"

// attributes cannot bind a child's life to ours here: one that a killed test leaves has to be killed by hand.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// awaitStop cannot see here when the child has stopped, which it does within moments.
func awaitStop(int) error { return nil }
