//go:build !linux

package sandbox

const self = ""

// detect knows that only Linux has Landlock and seccomp.
func detect() support {
	return support{}
}
