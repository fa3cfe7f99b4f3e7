package faults

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/unreel/unreel/test/harness"
)

// held is a conversion whose ffmpeg stands still, so that it lasts as long as a test likes.
type held struct {
	id        string
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
			h = held{id, converter, pid}
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
	_, found := sentence(log, words...)
	return found
}

// saidAt returns when a log first had a line with all of these words.
func saidAt(log string, words ...string) (time.Time, error) {
	line, found := sentence(log, words...)
	if !found {
		return time.Time{}, fmt.Errorf("it has not said %q", words)
	}
	var said struct {
		Time time.Time `json:"time"`
	}
	err := json.Unmarshal([]byte(line), &said)
	return said.Time, err
}

// sentence is the first line of a log that has all of these words.
func sentence(log string, words ...string) (line string, found bool) {
	for line := range strings.Lines(log) {
		all := true
		for _, word := range words {
			all = all && strings.Contains(line, word)
		}
		if all {
			return line, true
		}
	}
	return "", false
}
