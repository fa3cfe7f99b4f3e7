//go:build linux && (amd64 || arm64)

package launcher

import "unsafe"

// From asm-generic/errno-base.h and errno.h.
const (
	notPermitted   = 1
	badFile        = 9
	accessDenied   = 13
	invalid        = 22
	notImplemented = 38
)

// must ends the process if a system call has failed.
func must(what string, result int) {
	if result < 0 {
		fail(what, result)
	}
}

// fail says what went wrong, and ends the process.
func fail(what string, result int) {
	const standardError = 2
	say(standardError, Name)
	say(standardError, ": ")
	say(standardError, what)
	say(standardError, ": errno ")
	sayNumber(standardError, -result)
	say(standardError, "\n")
	exit(Failed)
}

func exit(code uintptr) {
	for {
		call(sysExitGroup, code, 0, 0, 0, 0)
	}
}

func say(file uintptr, text string) {
	call(sysWrite, file, uintptr(unsafe.Pointer(unsafe.StringData(text))), uintptr(len(text)), 0, 0)
}

func sayNumber(file uintptr, number int) {
	var digits [20]byte
	length := 0
	for i := len(digits) - 1; i >= 0 && (length == 0 || number > 0); i-- {
		digits[i] = byte('0' + number%10)
		number /= 10
		length++
	}
	start := unsafe.Add(unsafe.Pointer(&digits), len(digits)-length)
	call(sysWrite, file, uintptr(start), uintptr(length), 0, 0)
}

// next is the byte behind; every text ends with a zero.
func next(text *byte) *byte {
	return (*byte)(unsafe.Add(unsafe.Pointer(text), 1))
}

// number reads a decimal number; anything else is 0.
func number(text *byte) uintptr {
	var value uintptr
	for ; *text >= '0' && *text <= '9'; text = next(text) {
		value = value*10 + uintptr(*text-'0')
	}
	return value
}
