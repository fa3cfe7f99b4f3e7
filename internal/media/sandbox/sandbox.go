// Package sandbox is the box that ffmpeg runs in. Decoders of media have had hundreds of holes, and videos come
// from strangers: whatever a video makes of ffmpeg, it must not get at anything but the video itself.
//
// A program in the box can read the files that it is given and the libraries that it is made of, and write to
// the pipes that it is given. It can open no other file, connect to nobody, start or signal no process, and use no
// more memory and time than it is allowed; nothing of the environment reaches it, and it ends with its parent. Landlock keeps it from
// files, seccomp from system calls, limits of the kernel from the rest; each closes what the others leave
// open. See docs/adr/0008 and, for what happens between fork and exec, the package launcher.
package sandbox

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/unreel/unreel/internal/media/sandbox/launcher"
)

// Mode is what to do where the kernel cannot make the whole box.
type Mode string

// The modes, as UNREEL_SANDBOX has them.
const (
	Required   Mode = "required"    // refuse
	BestEffort Mode = "best-effort" // do without what is missing
)

// Validate tells whether the mode is one.
func (m Mode) Validate() error {
	if m != Required && m != BestEffort {
		return fmt.Errorf("must be %s or %s", Required, BestEffort)
	}
	return nil
}

// ErrIncomplete says that the kernel cannot make the whole box, and what would do.
var ErrIncomplete = errors.New("the box for ffmpeg cannot be closed")

// Box starts programs. All methods may be called concurrently.
type Box struct {
	required bool

	mutex    sync.Mutex
	support  support
	small    *os.File           // the launcher; nil: this program is it
	programs map[string]program // what is known of programs by their path
}

// New finds out what the kernel has. In mode Required, an error that wraps ErrIncomplete says what it lacks.
func New(mode Mode) (*Box, error) {
	if err := mode.Validate(); err != nil {
		return nil, fmt.Errorf("sandbox mode %q: %w", mode, err)
	}
	box := &Box{support: detect(), required: mode == Required, programs: map[string]program{}}
	if missing := box.Missing(); len(missing) > 0 && box.required {
		return nil, fmt.Errorf("%w: this machine lacks %s. %s", ErrIncomplete, strings.Join(missing, " and "), remedy)
	}
	if launcher.Supported {
		box.small = launcherFile()
	}
	return box, nil
}

const remedy = "It takes Linux 5.13 or newer on amd64 or arm64 with Landlock among its security modules " +
	"(`cat /sys/kernel/security/lsm` names it; the kernel's command line lsm=landlock,… adds it) and a container runtime that leaves " +
	"landlock_* and seccomp to it. UNREEL_SANDBOX=best-effort goes on with what there is: only for videos that are trusted"

// Missing names what the kernel lacks; empty where the box is whole.
func (b *Box) Missing() []string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.support.missing()
}

// without gives up a part; false if it was given up before.
func (b *Box) without(landlock bool) bool {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	part := &b.support.seccomp
	if landlock {
		part = &b.support.landlock
	}
	had := *part
	*part = false
	return had
}

// support is what of the box the kernel can make.
type support struct {
	landlock bool
	seccomp  bool
}

func (s support) missing() []string {
	var missing []string
	if !s.landlock {
		missing = append(missing, "Landlock")
	}
	if !s.seccomp {
		missing = append(missing, "seccomp")
	}
	return missing
}

// plan is the part of a launch that is the same for every program.
func (b *Box) plan() launcher.Plan {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	var plan launcher.Plan
	if b.support.landlock {
		plan.Landlock = 1
	}
	if b.support.seccomp {
		plan.Seccomp = 1
	}
	return plan
}
