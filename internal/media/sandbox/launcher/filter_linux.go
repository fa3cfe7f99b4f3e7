//go:build linux && (amd64 || arm64)

package launcher

// From linux/seccomp.h and linux/filter.h.
const (
	setModeFilter = 1 // SECCOMP_SET_MODE_FILTER

	actionKill  = 0x80000000 // SECCOMP_RET_KILL_PROCESS
	actionErrno = 0x00050000
	actionAllow = 0x7fff0000

	loadWord     = 0x20 // BPF_LD | BPF_W | BPF_ABS
	jumpEqual    = 0x15 // BPF_JMP | BPF_JEQ | BPF_K
	jumpAtLeast  = 0x35 // BPF_JMP | BPF_JGE | BPF_K
	and          = 0x54 // BPF_ALU | BPF_AND | BPF_K
	returnAction = 0x06 // BPF_RET | BPF_K

	// Places in struct seccomp_data. Both architectures have the low half of an argument first.
	callNumber, callArchitecture, callArguments = 0, 4, 16
)

// instruction is struct sock_filter.
type instruction struct {
	code        uint16
	then, other uint8
	value       uint32
}

// filterProgram is struct sock_fprog.
type filterProgram struct {
	length       uint16
	instructions *instruction
}

// filter is a program for the kernel that decides about every system call. It is a list of what is allowed:
// what a list of forbidden calls forgets, or a new kernel brings, would be open.
type filter struct {
	instructions [384]instruction
	length       int
}

// Flags of clone, openat and the like, from linux/sched.h and asm-generic/fcntl.h.
const (
	cloneThread     = 0x00010000
	cloneNamespaces = 0x7e020000 | 0x80

	openWrites = 0o3 | 0o100 | 0o1000 | 0o2000 | 0o20000000 // writing, O_CREAT, O_TRUNC, O_APPEND, O_TMPFILE

	setThreadName, getThreadName, nameMemory   = 15, 16, 0x53564d41     // PR_SET_NAME, PR_GET_NAME, PR_SET_VMA
	terminalSettings, terminalSize, bytesReady = 0x5401, 0x5413, 0x541b // TCGETS, TIOCGWINSZ, FIONREAD
	duplicateCloseOnExec                       = 1030                   // F_DUPFD_CLOEXEC
)

// build writes the program. Path and argv are the addresses with which the one execve comes that is
// allowed, pid is whom the process may signal: itself, as abort does.
func (f *filter) build(path, argv uint64, pid uint32) {
	f.length = 0
	f.add(loadWord, 0, 0, callArchitecture)
	f.add(jumpEqual, 1, 0, architecture)
	f.ret(actionKill)
	f.add(loadWord, 0, 0, callNumber)
	f.add(jumpAtLeast, 0, 1, foreignNumbers)
	f.ret(actionKill)
	for _, number := range allowed {
		f.add(jumpEqual, 0, 1, number)
		f.ret(actionAllow)
	}
	f.refuse(sysClone3, notImplemented) // then clone is used, whose flags can be seen
	f.masked(sysClone, 0, cloneThread|cloneNamespaces, cloneThread)
	f.masked(sysOpenat, 2, openWrites, 0)
	f.masked(sysOpen, 1, openWrites, 0)
	f.among(sysPrctl, 0, setThreadName, getThreadName, nameMemory)
	f.among(sysIoctl, 1, terminalSettings, terminalSize, bytesReady)
	f.among(sysFcntl, 1, 0, 1, 2, 3, 4, duplicateCloseOnExec) // F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL
	f.among(sysTgkill, 0, pid)
	f.exact(sysPrlimit64, 0, 0, 2, 0) // of itself, and only to read
	f.exact(sysExecve, 0, path, 1, argv)
	f.exact(sysExecveat, 1, path, 2, argv)
	f.ret(actionErrno | notPermitted)
}

func (f *filter) add(code uint16, then, other uint8, value uint32) {
	f.instructions[f.length] = instruction{code, then, other, value}
	f.length++
}

func (f *filter) ret(action uint32) {
	f.add(returnAction, 0, 0, action)
}

// begin opens a block for one call, which other calls pass over.
func (f *filter) begin(number uint32) int {
	f.add(jumpEqual, 0, 0, number)
	return f.length
}

// end closes a block: what comes here is refused.
func (f *filter) end(start int) {
	f.ret(actionErrno | notPermitted)
	f.instructions[start-1].other = uint8(f.length - start)
}

func (f *filter) refuse(number uint32, errno uint32) {
	start := f.begin(number)
	f.ret(actionErrno | errno)
	f.end(start)
}

// masked allows a call whose argument has under the mask this value.
func (f *filter) masked(number uint32, argument uint32, mask, value uint32) {
	start := f.begin(number)
	f.add(loadWord, 0, 0, callArguments+8*argument)
	f.add(and, 0, 0, mask)
	f.add(jumpEqual, 0, 1, value)
	f.ret(actionAllow)
	f.end(start)
}

// among allows a call whose argument's low half is one of the values: the kernel looks at no more of them.
func (f *filter) among(number uint32, argument uint32, values ...uint32) {
	start := f.begin(number)
	f.add(loadWord, 0, 0, callArguments+8*argument)
	for _, value := range values {
		f.add(jumpEqual, 0, 1, value)
		f.ret(actionAllow)
	}
	f.end(start)
}

// exact allows a call two of whose arguments have exactly these values.
func (f *filter) exact(number uint32, first uint32, value uint64, second uint32, other uint64) {
	start := f.begin(number)
	for _, half := range [...]struct{ place, value uint32 }{
		{callArguments + 8*first, uint32(value)},
		{callArguments + 8*first + 4, uint32(value >> 32)},
		{callArguments + 8*second, uint32(other)},
		{callArguments + 8*second + 4, uint32(other >> 32)},
	} {
		f.add(loadWord, 0, 0, half.place)
		f.add(jumpEqual, 1, 0, half.value)
		f.ret(actionErrno | notPermitted)
	}
	f.ret(actionAllow)
	f.end(start)
}
