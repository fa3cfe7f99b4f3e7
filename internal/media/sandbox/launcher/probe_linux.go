//go:build linux && (amd64 || arm64)

package launcher

import "unsafe"

// From linux/fcntl.h, linux/socket.h, linux/sched.h and linux/mman.h.
const (
	openRead, openWrite, openCreate          = 0, 1, 1 | 0o100
	familyUnix, familyIPv4, familyIPv6       = 1, 2, 10
	familyNetlink, familyPacket, familyVsock = 16, 17, 40
	stream, datagram, raw                    = 1, 2, 3
	childSignal                              = 17
	newUserNamespace                         = 0x10000000
)

// way is one way out, as a system call.
type way struct {
	name       string
	number     uintptr
	a, b, c, d uintptr
}

// scratch is for what the kernel would answer with. It must stay in place, which the stack does not.
var scratch [128]byte

// probe tries to get out of the box that it runs in, and tells whether it could. Its arguments are a file
// that it must not read or touch, the name of one that it must not make, and a process that it must not signal. It runs
// before anything else in the program, like launch.
func probe(args []*byte) {
	if len(args) != 5 { // the last is nil
		exit(Unfounded)
	}
	file, name, process := address(args[1]), address(args[2]), number(args[3])
	root := address(unsafe.StringData("/\x00"))
	answer := address(&scratch[0])
	escaped := false
	for _, w := range [...]way{
		{"read a file", sysOpenat, atCwd, file, openRead, 0},
		{"write to a file", sysOpenat, atCwd, file, openWrite, 0},
		{"create a file", sysOpenat, atCwd, name, openCreate, 0o600},
		{"list a folder", sysOpenat, atCwd, root, openRead, 0},
		{"create a folder", sysMkdirat, atCwd, name, 0o700, 0},
		{"change permissions", sysFchmodat, atCwd, file, 0o600, 0},
		{"read a link", sysReadlinkat, atCwd, file, answer, 64},
		{"connect by IPv4", sysSocket, familyIPv4, stream, 0, 0},
		{"send by IPv4", sysSocket, familyIPv4, datagram, 0, 0},
		{"connect by IPv6", sysSocket, familyIPv6, stream, 0, 0},
		{"connect to this machine", sysSocket, familyUnix, stream, 0, 0},
		{"talk to the kernel's network", sysSocket, familyNetlink, raw, 0, 0},
		{"send frames", sysSocket, familyPacket, raw, 0, 0},
		{"talk to the hypervisor", sysSocket, familyVsock, stream, 0, 0},
		{"use io_uring", sysIoUringSetup, 1, answer, 0, 0},
		{"make a process", sysClone, childSignal, 0, 0, 0},
		{"make a process by clone3", sysClone3, answer, 88, 0, 0},
		{"execute a program", sysExecve, file, 0, 0, 0},
		{"execute an open program", sysExecveat, 0, root, 0, 0},
		{"be traced", sysPtrace, 0, 0, 0, 0},
		{"signal a process", sysKill, process, 0, 0, 0},
		{"make a namespace", sysUnshare, newUserNamespace, 0, 0, 0},
		{"make a file in memory", sysMemfdCreate, name, 0, 0, 0},
	} {
		if !w.denied() {
			escaped = true
			say(1, w.name)
			say(1, "\n")
		}
	}
	if escaped {
		exit(Escaped)
	}
	exit(0)
}

// denied tries. Only a refusal counts: any other error says that the call was looked at.
func (w *way) denied() bool {
	result := call(w.number, w.a, w.b, w.c, w.d, 0)
	if w.number == sysClone && result == 0 {
		exit(0) // this is the child
	}
	return result == -notPermitted || result == -accessDenied || result == -notImplemented
}

func address(text *byte) uintptr {
	return uintptr(unsafe.Pointer(text))
}
