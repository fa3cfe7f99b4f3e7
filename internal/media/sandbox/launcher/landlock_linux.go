//go:build linux && (amd64 || arm64)

package launcher

import "unsafe"

// From linux/landlock.h.
const (
	askVersion    = 1 // LANDLOCK_CREATE_RULESET_VERSION
	rulePathBelow = 1

	mayExecute  = 1 << 0
	mayReadFile = 1 << 2

	openPath = 0o10000000 | 0o2000000 // O_PATH | O_CLOEXEC
	atCwd    = ^uintptr(99)           // AT_FDCWD, -100
)

// ruleset is struct landlock_ruleset_attr: what is forbidden unless a rule allows it.
type ruleset struct{ files, network, scopes uint64 }

// handled is everything that a version of Landlock can forbid, and how much of the structure it knows.
func handled(version int) (ruleset, uintptr) {
	all := ruleset{files: 1<<13 - 1}
	size := uintptr(8)
	if version >= 2 {
		all.files |= 1 << 13 // moving and linking to other folders
	}
	if version >= 3 {
		all.files |= 1 << 14 // truncating
	}
	if version >= 4 {
		all.network, size = 1<<0|1<<1, 16 // binding and connecting TCP
	}
	if version >= 5 {
		all.files |= 1 << 15 // ioctl on devices
	}
	if version >= 6 {
		all.scopes, size = 1<<0|1<<1, 24 // abstract sockets and signals of others
	}
	return all, size
}

// pathRule is struct landlock_path_beneath_attr, which is packed: 12 bytes.
type pathRule struct {
	allowed uint64
	parent  int32
}

// restrict leaves nothing of the file system but the paths, and of network and signals nothing.
func (p *Plan) restrict(reads, executes []*byte) {
	version := call(sysLandlockCreateRuleset, 0, 0, askVersion, 0, 0)
	must("ask for Landlock", version)
	all, size := handled(version)
	rules := call(sysLandlockCreateRuleset, uintptr(unsafe.Pointer(&all)), size, 0, 0, 0)
	must("make Landlock's rules", rules)
	for _, path := range reads {
		allow(rules, path, mayReadFile)
	}
	for _, path := range executes {
		allow(rules, path, mayReadFile|mayExecute)
	}
	if p.Image != 0 {
		allowFile(rules, int(p.Files), mayReadFile|mayExecute) // fails for a file in memory, which needs no rule
	}
	must("apply Landlock's rules", call(sysLandlockRestrictSelf, uintptr(rules), 0, 0, 0, 0))
	call(sysClose, uintptr(rules), 0, 0, 0, 0)
}

func allow(rules int, path *byte, rights uint64) {
	file := call(sysOpenat, atCwd, uintptr(unsafe.Pointer(path)), openPath, 0, 0)
	must("open a path that is allowed", file)
	must("add a Landlock rule", allowFile(rules, file, rights))
	call(sysClose, uintptr(file), 0, 0, 0, 0)
}

func allowFile(rules, file int, rights uint64) int {
	rule := pathRule{allowed: rights, parent: int32(file)}
	return call(sysLandlockAddRule, uintptr(rules), rulePathBelow, uintptr(unsafe.Pointer(&rule)), 0, 0)
}
