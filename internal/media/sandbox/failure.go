package sandbox

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"syscall"
)

// LaunchError says why a program could not be put into the box. It never ran.
type LaunchError struct {
	Program string
	Reason  string
}

// Error names the step that failed.
func (e *LaunchError) Error() string {
	return fmt.Sprintf("put %s into its box: %s", e.Program, e.Reason)
}

// readable turns the launcher's "step: errno 13" into words.
func readable(line string) string {
	line, _, _ = strings.Cut(line, "\n")
	step, digits, ok := strings.Cut(line, ": errno ")
	number, err := strconv.Atoi(digits)
	if !ok || err != nil {
		return line
	}
	return step + ": " + syscall.Errno(number).Error()
}

// beginning passes on what it gets, and keeps the first line of it.
type beginning struct {
	kept []byte
	next io.Writer // nil: discards
}

// maxBeginning is longer than any line of the launcher.
const maxBeginning = 256

// Write never fails by itself.
func (b *beginning) Write(p []byte) (int, error) {
	b.kept = append(b.kept, p[:min(len(p), maxBeginning-len(b.kept))]...)
	if b.next == nil {
		return len(p), nil
	}
	return b.next.Write(p)
}

// String is what was kept.
func (b *beginning) String() string {
	return string(b.kept)
}
