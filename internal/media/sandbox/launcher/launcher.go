// Package launcher is the short life of this program between its start as a box and the moment when it
// becomes ffmpeg. A box is started by executing the same binary, or the small one in cmd/unreel-box, under the name Name; the package's init sees that
// name, gives up what the program in the box must not have, and replaces the process by it.
//
// It happens in an init, and the package imports nothing, for two reasons. Go initialises packages in the order of
// their dependencies, so what needs nothing comes before everything that the services bring along: the whole binary
// takes 60 ms of CPU to start, a box a few. And every test binary that imports the box can be its launcher. System calls are made by hand,
// with numbers and structures from Linux's user API (linux/landlock.h, linux/seccomp.h, linux/filter.h, …),
// which never change. What the launcher needs to know comes in its arguments.
//
// The arguments after the name are: the numbers of a Plan; the paths to read; the paths to execute; the
// program; its own arguments, beginning with its name.
package launcher

// Name is what a process that is to be a box finds as its own name.
const Name = "unreel-box"

// ProbeName is the name of a process that is to try to get out of a box, see probe.
const ProbeName = "unreel-probe"

const (
	// Failed is the exit code of a box that did not come to be. Standard error says why, in a line that
	// begins with Name and a colon.
	Failed = 125
	// Escaped is the exit code of a probe that got out. Standard output names the ways.
	Escaped = 1
	// Unfounded is the exit code of a probe that could not try.
	Unfounded = 2
)

// Plan is what the launcher is told in numbers. A limit of 0 leaves what the process has.
type Plan struct {
	AddressSpace uint64 // bytes of address space
	Data         uint64 // bytes of private writable memory
	CPU          uint64 // seconds
	OpenFiles    uint64
	Files        uint64 // how many files the program keeps, from 0 on; all others are closed
	Landlock     uint64 // 1: without it the launcher fails; 0: it does not try
	Seccomp      uint64 // likewise
	Image        uint64 // 1: the program is open, as the file after the last that is kept
	Reads        uint64 // how many of the paths may be read
	Executes     uint64 // how many of them may be read and executed
}

// Fields returns the numbers in the order in which they are written, separated by commas.
func (p *Plan) Fields() [10]*uint64 {
	return [...]*uint64{
		&p.AddressSpace, &p.Data, &p.CPU, &p.OpenFiles, &p.Files, &p.Landlock, &p.Seccomp, &p.Image, &p.Reads, &p.Executes,
	}
}
