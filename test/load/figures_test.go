package load

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/unreel/unreel/test/harness"
)

// figures is what there is to know of one kind of request.
type figures struct {
	vegeta.Metrics

	name string
}

// attack reads for a while: each person a record or a list every two seconds, and an MP3 every twenty. It returns
// when all has been answered.
func (g *crowd) attack(duration time.Duration, probe string) (livez, reads, downloads figures) {
	get := func(address, token string) vegeta.Target {
		target := vegeta.Target{Method: http.MethodGet, URL: address, Header: http.Header{}}
		if token != "" {
			target.Header.Set("Authorization", "Bearer "+token)
		}
		return target
	}
	somebody := func() person { return g.people[rand.N(len(g.people))] }
	people := len(g.people)
	var group sync.WaitGroup
	for _, kind := range []struct {
		into   *figures
		name   string
		pace   vegeta.Rate
		target func() vegeta.Target
	}{
		{&livez, "GET /livez", vegeta.Rate{Freq: 20, Per: time.Second}, func() vegeta.Target { return get(probe, "") }},
		{&reads, "lists and records", vegeta.Rate{Freq: people, Per: 2 * time.Second}, func() vegeta.Target {
			p, path := somebody(), "/v1/conversions?limit=20"
			if rand.N(2) == 0 {
				path = "/v1/conversions/" + p.done
			}
			return get(g.gateway+path, p.token)
		}},
		{&downloads, "downloads", vegeta.Rate{Freq: people, Per: 20 * time.Second}, func() vegeta.Target {
			p := somebody()
			return get(g.gateway+"/v1/conversions/"+p.done+"/mp3", p.token)
		}},
	} {
		kind.into.name = kind.name
		group.Go(func() {
			attacker := vegeta.NewAttacker(vegeta.MaxWorkers(uint64(people)), vegeta.Workers(10), vegeta.Timeout(30*time.Second))
			targets := func(target *vegeta.Target) error { *target = kind.target(); return nil }
			for result := range attacker.Attack(targets, kind.pace, duration, kind.name) {
				kind.into.Add(result)
			}
			kind.into.Close()
		})
	}
	group.Wait()
	return livez, reads, downloads
}

// memory is what the processes have, in bytes, when they have warmed up and at the end.
type memory struct {
	name       string
	start, end int
}

// watchMemory looks after a while, and again shortly before the context ends, and fails the test if a process has grown
// by half and by more than 32 MiB.
func watchMemory(ctx context.Context, t *testing.T, c *harness.Cluster, after time.Duration) <-chan []memory {
	result := make(chan []memory, 1)
	deadline, _ := ctx.Deadline()
	before := time.NewTimer(time.Until(deadline) - time.Second)
	warm := time.NewTimer(after)
	go func() {
		defer before.Stop()
		defer warm.Stop()
		var all []memory
		<-warm.C
		for _, p := range c.Processes() {
			all = append(all, memory{name: p.Name(), start: resident(t, p.Pid())})
		}
		<-before.C
		for i, p := range c.Processes() {
			all[i].end = resident(t, p.Pid())
			if m := all[i]; m.end > m.start+m.start/2 && m.end > m.start+32<<20 {
				t.Errorf("%s grows: from %d MiB to %d MiB", m.name, m.start>>20, m.end>>20)
			}
		}
		result <- all
	}()
	return result
}

var residentLine = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

// resident is how much memory a process has, in bytes.
func resident(t *testing.T, pid int) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Error(err)
		return 0
	}
	match := residentLine.FindSubmatch(status)
	if match == nil {
		t.Errorf("no VmRSS in %s", status)
		return 0
	}
	kilobytes, err := strconv.Atoi(string(match[1]))
	if err != nil {
		t.Error(err)
	}
	return kilobytes << 10
}

// table is the figures in the form of docs/operations.md; the first are those that the others are compared with.
func table(all []figures, streams, uploads *tally, memories []memory, duration time.Duration) string {
	var text bytes.Buffer
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "what\trequests\ta second\tmedian\tp99\tp99, times livez\tfailed")
	for _, f := range all {
		fmt.Fprintf(w, "%s\t%d\t%.1f\t%v\t%v\t%.1f\t%d\n", f.name, f.Requests, float64(f.Requests)/duration.Seconds(),
			f.Latencies.P50.Round(time.Millisecond/10), f.Latencies.P99.Round(time.Millisecond/10),
			float64(f.Latencies.P99)/float64(all[0].Latencies.P99), f.Requests-uint64(f.Success*float64(f.Requests)+0.5))
	}
	_ = w.Flush() // into memory
	fmt.Fprintf(&text, "event streams: %d held, %d broken\n", streams.completed(), len(streams.bad))
	hours := duration.Hours() * float64(runtime.NumCPU())
	fmt.Fprintf(&text, "conversions of %d s: %d, %d failed; %.0f a core an hour beside all this\n",
		seconds, uploads.completed(), len(uploads.bad), float64(uploads.completed())/hours)
	for _, m := range memories {
		fmt.Fprintf(&text, "memory of %s: %d MiB, then %d MiB\n", m.name, m.start>>20, m.end>>20)
	}
	return text.String()
}
