package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/unreel/unreel/test/harness"
)

// held is a conversion whose ffmpeg stands still, so that it lasts as long as a test likes.
type held struct {
	converter *harness.Process
	ffmpeg    int // pid
}

// hold waits until somebody converts, and stops the ffmpeg of it.
func (s *site) hold(t *testing.T, id string, attempt int) held {
	t.Helper()
	var h held
	harness.Eventually(t, fmt.Sprintf("attempt %d at %s to be in the middle", attempt, id), func() error {
		for _, converter := range s.cluster.Converters {
			if !said(converter.Log(), `"conversion begins"`, id, fmt.Sprintf(`"attempt":%d`, attempt)) {
				continue
			}
			pid, err := ffmpegOf(converter.Pid())
			if err != nil {
				return err
			}
			h = held{converter, pid}
			return syscall.Kill(pid, syscall.SIGSTOP)
		}
		return fmt.Errorf("nobody has begun")
	})
	t.Cleanup(h.release)
	return h
}

// release lets ffmpeg go on, if it is still there.
func (h held) release() { _ = syscall.Kill(h.ffmpeg, syscall.SIGCONT) }

// ffmpegOf returns the pid of a process's child that is an ffmpeg.
func ffmpegOf(parent int) (int, error) {
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", parent))
	if err != nil {
		return 0, err
	}
	for _, list := range lists {
		children, err := os.ReadFile(list)
		if err != nil {
			continue // a thread that has ended
		}
		for child := range strings.FieldsSeq(string(children)) {
			name, err := os.ReadFile("/proc/" + child + "/comm")
			if err == nil && strings.TrimSpace(string(name)) == "ffmpeg" {
				return strconv.Atoi(child)
			}
		}
	}
	return 0, fmt.Errorf("process %d runs no ffmpeg", parent)
}

// said tells whether one line of a log has all of these words.
func said(log string, words ...string) bool {
	for line := range strings.Lines(log) {
		all := true
		for _, word := range words {
			all = all && strings.Contains(line, word)
		}
		if all {
			return true
		}
	}
	return false
}
