//go:build linux && (amd64 || arm64)

package launcher

import "unsafe"

// Supported tells whether this program can be a launcher.
const Supported = true

// call makes a system call; a negative result is an error's number.
func call(number, a, b, c, d, e uintptr) (result int)

// arguments returns the process's arguments, whose bytes lie where the kernel put them, each with a zero behind it.
// This is how package os gets them; os itself would bring half of the library along.
//
//go:linkname arguments os.runtime_args
func arguments() []string

func init() {
	args := arguments()
	if len(args) == 0 {
		return
	}
	switch args[0] {
	case Name:
		launch(pointers(args))
	case ProbeName:
		probe(pointers(args))
	}
}

// pointers returns the arguments as execve wants them, with nil at the end.
func pointers(args []string) []*byte {
	pointers := make([]*byte, len(args)+1)
	for i, arg := range args {
		pointers[i] = unsafe.StringData(arg)
	}
	return pointers
}

// From linux/prctl.h, linux/resource.h, linux/fcntl.h and linux/capability.h.
const (
	setNoNewPrivs = 38

	limitCPU, limitFileSize, limitData, limitCore, limitOpenFiles, limitAddressSpace = 0, 1, 2, 4, 7, 9

	atEmptyPath  = 0x1000
	setFileFlags = 2 // F_SETFD
	closeOnExec  = 1 // FD_CLOEXEC

	capabilityVersion3 = 0x20080522
	readAnyFile        = 1 << 2 // CAP_DAC_READ_SEARCH

	batch = 3 // SCHED_BATCH of linux/sched.h
)

// launch turns the process into the program, or ends it. The arguments end with nil.
func launch(args []*byte) {
	var plan Plan
	if len(args) < 5 || !plan.read(args[1]) || uint64(len(args)) < 5+plan.Reads+plan.Executes {
		fail("read plan", -invalid)
	}
	reads := args[2 : 2+plan.Reads]
	executes := args[2+plan.Reads : 2+plan.Reads+plan.Executes]
	program := 2 + plan.Reads + plan.Executes

	must("forbid new privileges", call(sysPrctl, setNoNewPrivs, 1, 0, 0, 0))
	plan.closeOthers()
	dropCapabilities(plan.Landlock != 0)
	if plan.Landlock != 0 {
		plan.restrict(reads, executes)
	}
	limit("limit files written", limitFileSize, 0, 0)
	limit("limit core", limitCore, 0, 0)
	limitUnlessZero("limit CPU", limitCPU, plan.CPU, plan.CPU+1) // first SIGXCPU, which tells why, then SIGKILL
	limitUnlessZero("limit open files", limitOpenFiles, plan.OpenFiles, plan.OpenFiles)
	standBack()
	plan.become(args[program], args[program+1:])
}

// become takes the last steps. From the limits of memory on, which the Go runtime exceeds already, nothing may
// be allocated and no thread may start.
func (p *Plan) become(program *byte, argv []*byte) {
	var (
		environment [1]uintptr // ends at once
		filter      filter
	)
	path, names := uintptr(unsafe.Pointer(program)), uintptr(unsafe.Pointer(&argv[0])) // both stay in place
	filter.build(uint64(path), uint64(names), uint32(call(sysGetpid, 0, 0, 0, 0, 0)))
	rules := filterProgram{length: uint16(filter.length), instructions: &filter.instructions[0]}
	limitUnlessZero("limit data", limitData, p.Data, p.Data)
	limitUnlessZero("limit address space", limitAddressSpace, p.AddressSpace, p.AddressSpace)
	if p.Seccomp != 0 {
		must("filter system calls", call(sysSeccomp, setModeFilter, 0, uintptr(unsafe.Pointer(&rules)), 0, 0))
	}
	var result int
	if p.Image != 0 { // the path is empty then
		result = call(sysExecveat, uintptr(p.Files), path, names, uintptr(unsafe.Pointer(&environment)), atEmptyPath)
	} else {
		result = call(sysExecve, path, names, uintptr(unsafe.Pointer(&environment)), 0, 0)
	}
	must("execute the program", result)
}

// read reads the plan's numbers.
func (p *Plan) read(text *byte) bool {
	for _, field := range p.Fields() {
		var digits bool
		for ; *text >= '0' && *text <= '9'; text = next(text) {
			*field, digits = *field*10+uint64(*text-'0'), true
		}
		if !digits {
			return false
		}
		if *text == ',' {
			text = next(text)
		}
	}
	return *text == 0 && p.Reads < 1<<16 && p.Executes < 1<<16
}

// closeOthers closes what the program is not to have, and has the open program closed by its own start.
func (p *Plan) closeOthers() {
	kept := uintptr(p.Files)
	if p.Image != 0 {
		must("close on execution", call(sysFcntl, kept, setFileFlags, closeOnExec, 0, 0))
		kept++
	}
	if result := call(sysCloseRange, kept, 1<<32-1, 0, 0, 0); result != -notImplemented {
		must("close other files", result)
	}
}

// dropCapabilities gives up what root has. With Landlock there to say which files, reading any file stays: a
// folder's owner may be somebody else.
func dropCapabilities(landlocked bool) {
	header := struct{ version, pid uint32 }{version: capabilityVersion3}
	var sets [2]struct{ effective, permitted, inheritable uint32 }
	must("read capabilities", call(sysCapget, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&sets)), 0, 0, 0))
	kept := uint32(0)
	if landlocked {
		kept = sets[0].permitted & readAnyFile
	}
	sets[0].effective, sets[0].permitted, sets[0].inheritable = kept, kept, 0
	sets[1].effective, sets[1].permitted, sets[1].inheritable = 0, 0, 0
	must("drop capabilities", call(sysCapset, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&sets)), 0, 0, 0))
}

// standBack has the program interrupt nothing that runs when there is something for it to do again: it computes, and
// nobody waits for its next step. Else ffmpeg would interrupt the encoders at each piece of sound. Where that is not
// allowed it is only slower.
func standBack() {
	var priority [1]uint32
	call(sysSchedSetscheduler, 0, batch, uintptr(unsafe.Pointer(&priority)), 0, 0)
}

func limitUnlessZero(what string, resource uintptr, soft, hard uint64) {
	if soft != 0 {
		limit(what, resource, soft, hard)
	}
}

// limit lowers a limit. What is lower already stays so.
func limit(what string, resource uintptr, soft, hard uint64) {
	var current struct{ soft, hard uint64 }
	must(what, call(sysPrlimit64, 0, resource, 0, uintptr(unsafe.Pointer(&current)), 0))
	current.hard = min(current.hard, hard)
	current.soft = min(current.soft, soft, current.hard)
	must(what, call(sysPrlimit64, 0, resource, uintptr(unsafe.Pointer(&current)), 0, 0))
}
