// Package bench measures the system against plain ffmpeg in the same run, by `make bench`. Its figures are ratios and
// differences, for a machine that does nothing else.
package bench

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/test/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// cost is what a command took.
type cost struct {
	wall, cpu time.Duration // cpu: of the command and all that it has started
}

func run(b *testing.B, words ...string) cost {
	b.Helper()
	began := time.Now()
	command := exec.Command(words[0], words[1:]...)
	if text, err := command.CombinedOutput(); err != nil {
		b.Fatalf("%s: %v\n%s", words[0], err, text)
	}
	return cost{time.Since(began), command.ProcessState.UserTime() + command.ProcessState.SystemTime()}
}

// plainly is what everybody else runs.
func plainly(video, output string) []string {
	return []string{"ffmpeg", "-loglevel", "error", "-nostdin", "-y", "-i", video, "-vn", "-c:a", "libmp3lame", "-q:a", "2", output}
}

// ours is what is to take less.
func ours(video, output string) []string {
	return []string{harness.Binary(), "convert", "--force", "-o", output, video}
}

func plain(b *testing.B, video string) cost {
	b.Helper()
	return run(b, plainly(video, filepath.Join(b.TempDir(), "plain.mp3"))...)
}

func converted(b *testing.B, video, output string) cost {
	b.Helper()
	return run(b, ours(video, output)...)
}

func median(durations []time.Duration) time.Duration {
	slices.Sort(durations)
	return durations[len(durations)/2]
}

// race is two ways to do the same, in turns.
type race struct{ ours, theirs []cost }

// report tells what ours takes as multiples of what theirs does.
func (r race) report(b *testing.B) {
	b.Helper()
	wall := func(c cost) time.Duration { return c.wall }
	cpu := func(c cost) time.Duration { return c.cpu }
	b.ReportMetric(float64(medianOf(r.ours, wall))/float64(medianOf(r.theirs, wall)), "x-wall")
	b.ReportMetric(float64(medianOf(r.ours, cpu))/float64(medianOf(r.theirs, cpu)), "x-cpu")
}

func medianOf(costs []cost, of func(cost) time.Duration) time.Duration {
	var durations []time.Duration
	for _, c := range costs {
		durations = append(durations, of(c))
	}
	return median(durations)
}

// BenchmarkConvert is `unreel convert` beside ffmpeg on the same file.
func BenchmarkConvert(b *testing.B) {
	for _, length := range []time.Duration{5 * time.Second, time.Minute, 10 * time.Minute} {
		b.Run(length.String(), func(b *testing.B) { compare(b, length) })
	}
}

// BenchmarkOneCore has one processor for either.
func BenchmarkOneCore(b *testing.B) {
	if _, err := exec.LookPath("taskset"); err != nil {
		b.Skip("taskset keeps a process on one processor: ", err)
	}
	video := speech(b, time.Minute)
	output := filepath.Join(b.TempDir(), "out.mp3")
	pinned := []string{"taskset", "-c", "0"}
	var r race
	for b.Loop() {
		r.theirs = append(r.theirs, run(b, slices.Concat(pinned, plainly(video, output))...))
		r.ours = append(r.ours, run(b, slices.Concat(pinned, ours(video, output))...))
	}
	r.report(b)
}

func speech(b *testing.B, length time.Duration) string {
	b.Helper()
	return mediatest.Video(b, mediatest.Spec{Seconds: length.Seconds(), Sound: mediatest.Speech})
}

// BenchmarkConvertTwoHours takes minutes a round: UNREEL_BENCH=long asks for it.
func BenchmarkConvertTwoHours(b *testing.B) {
	if os.Getenv("UNREEL_BENCH") != "long" {
		b.Skip("UNREEL_BENCH=long asks for it")
	}
	compare(b, 2*time.Hour)
}

func compare(b *testing.B, length time.Duration) {
	video := speech(b, length)
	output := filepath.Join(b.TempDir(), "unreel.mp3")
	var r race
	for b.Loop() {
		r.theirs = append(r.theirs, plain(b, video))
		r.ours = append(r.ours, converted(b, video, output))
	}
	r.report(b)
}

// BenchmarkManyFiles is twenty videos of a minute at once, beside as many ffmpegs as there are cores.
func BenchmarkManyFiles(b *testing.B) {
	dir := b.TempDir()
	video := mediatest.Bytes(b, mediatest.Spec{Seconds: 60, Sound: mediatest.Speech})
	var names []string
	for i := range 20 {
		names = append(names, filepath.Join(dir, fmt.Sprintf("%02d.mp4", i)))
		if err := os.WriteFile(names[i], video, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	each := fmt.Sprintf(`printf '%%s\n' "$@" | xargs -P%d -I{} ffmpeg -loglevel error -nostdin -y -i {} -vn -c:a libmp3lame -q:a 2 {}.plain.mp3`,
		runtime.NumCPU())
	var r race
	for b.Loop() {
		r.theirs = append(r.theirs, run(b, append([]string{"sh", "-c", each, "sh"}, names...)...))
		r.ours = append(r.ours, run(b, append([]string{harness.Binary(), "convert", "--force", "-o", dir}, names...)...))
	}
	r.report(b)
}

// BenchmarkCluster is what gateway, ledger, queue and GridFS add to a conversion, from the first byte of the upload
// to its end as an event stream tells it. Two parts of that are also measured by themselves, in turns with the rest: what
// `unreel convert` adds to plain ffmpeg, and how long the bare server takes for the bytes, of which FerretDB needs far more
// than a MongoDB.
func BenchmarkCluster(b *testing.B) {
	// A commit is on the disk, as operators are told to have it.
	c := harness.StartCluster(b, harness.Shape{Database: []string{"--innodb-flush-log-at-trx-commit=1"}})
	ada := harness.SignUp(b, c.URL, "ada@example.com")
	video := mediatest.Video(b, mediatest.Spec{Seconds: 5, Sound: mediatest.Speech})
	form, bare := harness.File(b, video), newBareFiles(b, c, video)
	var whole, engine, files, theirs []time.Duration
	for b.Loop() {
		theirs = append(theirs, plain(b, video).wall)
		began := time.Now()
		id := ada.Upload(b, form)
		follow(b, ada, id)
		whole = append(whole, time.Since(began))
		if got := ada.Conversion(b, id); got.Status != conversion.Completed {
			b.Fatalf("%+v", got)
		}
		engine = append(engine, converted(b, video, bare.output).wall)
		files = append(files, bare.carry(b))
		bare.forget(b)
	}
	report := func(unit string, took time.Duration) {
		b.ReportMetric(float64(took.Microseconds())/1000, unit)
	}
	report("ms-added", median(whole)-median(theirs))
	report("ms-added-at-best", slices.Min(whole)-slices.Min(theirs))
	report("ms-engine", median(engine)-median(theirs))
	report("ms-bare-files", median(files))
	b.ReportMetric(float64(median(whole))/float64(median(theirs)), "x-ffmpeg")
}

// follow returns when a conversion's event stream ends.
func follow(b *testing.B, u *harness.User, id string) {
	b.Helper()
	response, err := http.DefaultClient.Do(u.Request(b, http.MethodGet, "/v1/conversions/"+id+"/events", nil))
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	buffer := make([]byte, 4096)
	for err == nil {
		_, err = response.Body.Read(buffer)
	}
}

// BenchmarkBacklog is how busy a converter keeps the machine while videos of a minute wait.
func BenchmarkBacklog(b *testing.B) {
	const videos = 12
	c := harness.StartCluster(b, harness.Shape{})
	ada := harness.SignUp(b, c.URL, "ada@example.com")
	video := harness.File(b, mediatest.Video(b, mediatest.Spec{Seconds: 60, Sound: mediatest.Speech, NoPicture: true, Container: "m4a"}))
	began, before := time.Now(), idle(b)
	var ids []string
	for range videos {
		ids = append(ids, ada.Upload(b, video))
	}
	for _, id := range ids {
		follow(b, ada, id)
	}
	cores := time.Duration(runtime.NumCPU()) * time.Since(began)
	b.ReportMetric(100*(1-float64(idle(b)-before)/float64(cores)), "%-busy")
	b.ReportMetric(videos/cores.Hours(), "jobs/core-hour")
}

// BenchmarkIdleStreams is the memory of two gateways that 500 event streams hang on.
func BenchmarkIdleStreams(b *testing.B) {
	const streams, users = 500, 20
	c := harness.StartCluster(b, harness.Shape{Gateways: 2})
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: streams}}
	b.Cleanup(client.CloseIdleConnections)
	for i := range users {
		user := harness.SignUp(b, c.URL, fmt.Sprintf("user%d@example.com", i))
		for s := range streams / users {
			user.URL = c.URLs[s%len(c.URLs)]
			response, err := client.Do(user.Request(b, http.MethodGet, "/v1/events", nil))
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { response.Body.Close() })
			if response.StatusCode != http.StatusOK {
				b.Fatalf("stream %d of user %d: %s", s, i, response.Status)
			}
		}
	}
	peak := 0
	for _, gateway := range c.Gateways {
		peak = max(peak, gateway.PeakMemory(b))
	}
	b.ReportMetric(float64(peak)/(1<<20), "MiB")
}

// idle is how long the machine's cores have had nothing to do since it started, all together.
func idle(b *testing.B) time.Duration {
	b.Helper()
	raw, err := os.ReadFile("/proc/uptime")
	if err != nil {
		b.Fatal(err)
	}
	var up, nothing float64
	if _, err := fmt.Sscan(string(raw), &up, &nothing); err != nil {
		b.Fatal(err)
	}
	return time.Duration(nothing * float64(time.Second))
}
