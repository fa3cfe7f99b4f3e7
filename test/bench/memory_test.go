package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkMemory is the most memory that `unreel convert` has, with all the processes that it starts, beside ffmpeg's.
// UNREEL_BENCH=long has two hours converted, too, which should take no more than ten minutes do.
func BenchmarkMemory(b *testing.B) {
	lengths := []time.Duration{10 * time.Minute}
	if os.Getenv("UNREEL_BENCH") == "long" {
		lengths = append(lengths, 2*time.Hour)
	}
	for _, length := range lengths {
		b.Run(length.String(), func(b *testing.B) {
			video := speech(b, length)
			output := filepath.Join(b.TempDir(), "out.mp3")
			var mine, theirs []int
			for b.Loop() {
				theirs = append(theirs, peak(b, plainly(video, output)))
				mine = append(mine, peak(b, ours(video, output)))
			}
			b.ReportMetric(float64(slices.Max(mine))/(1<<20), "MiB")
			b.ReportMetric(float64(slices.Max(mine))/float64(slices.Max(theirs)), "x-memory")
		})
	}
}

// peak runs a command and looks at the memory of all its processes every few milliseconds, in bytes.
func peak(b *testing.B, words []string) int {
	b.Helper()
	command := exec.Command(words[0], words[1:]...)
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	most := 0
	for {
		select {
		case err := <-ended:
			if err != nil {
				b.Fatal(err)
			}
			return most
		case <-time.After(5 * time.Millisecond):
			most = max(most, resident(command.Process.Pid))
		}
	}
}

// resident is the memory of a process and of those that it has started; of one that has just ended, none.
func resident(pid int) (bytes int) {
	const pages = 1 // the field of proc_pid_statm(5)
	if fields := strings.Fields(read("/proc/%d/statm", pid)); len(fields) > pages {
		count, _ := strconv.Atoi(fields[pages])
		bytes = count * os.Getpagesize()
	}
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	for _, thread := range threads {
		for child := range strings.FieldsSeq(read("%s/children", thread)) {
			number, _ := strconv.Atoi(child)
			bytes += resident(number)
		}
	}
	return bytes
}

// read returns what a file of /proc says; nothing if the process has ended.
func read(format string, args ...any) string {
	raw, _ := os.ReadFile(fmt.Sprintf(format, args...))
	return string(raw)
}
