package faults

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/app/faults"
	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/test/harness"
)

// crashPatience is how long a process may take to come to its crash point, and to settle everything after it.
const crashPatience = 3 * time.Minute

// calls is how often a client's round has each effect, about: those are worth ending at.
var calls = map[string]int64{
	"blob.Abort": 1, "blob.Append": 2, "blob.Commit": 5, "blob.Create": 5, "blob.Delete": 2, "blob.Sync": 1, "blob.Write": 6,
	"ledger.Forget": 1, "ledger.Insert": 4, "ledger.Secret": 1, "ledger.Update": 20, "ledger.UpdateAwake": 1, "ledger.UpdateDue": 6,
	"mail.Send":      2,
	"queue.Announce": 6, "queue.Handle": 4, "queue.Publish": 4,
	"users.Create": 1, "users.Keys": 1,
}

// TestCrashPointsAlone ends a system in one process before and after every effect that it has on the world outside,
// while it takes videos, converts them, mails about them and forgets uploads that were refused.
func TestCrashPointsAlone(t *testing.T) {
	program := harness.Build(t, "faults")
	jobs := crashJobs(t)
	cases := make(chan faults.Point)
	var workers sync.WaitGroup
	for range 4 { // each waits more than it works
		workers.Go(func() {
			for point := range cases {
				t.Run(point.String(), func(t *testing.T) { newCrashAlone(t, program).crash(t, point, jobs) })
			}
		})
	}
	for _, point := range crashPoints(t, faults.Effects) {
		cases <- point
	}
	close(cases)
	workers.Wait()
}

// hosts names the effects that each service is sure to have in a cluster. A notifier's relay may publish, too, but those
// of the gateway and the converter are told at once and nearly always come first.
var hosts = map[string][]string{
	"auth": {"users.Create", "users.Keys"},
	"gateway": {
		"blob.Abort", "blob.Append", "blob.Commit", "blob.Create", "blob.Delete", "blob.Sync", "blob.Write",
		"ledger.Forget", "ledger.Insert", "ledger.Update", "ledger.UpdateDue", "queue.Announce", "queue.Publish",
	},
	"converter": {
		"blob.Commit", "blob.Create", "blob.Write",
		"ledger.Update", "ledger.UpdateDue", "queue.Announce", "queue.Handle", "queue.Publish",
	},
	"notifier": {"ledger.Secret", "ledger.Update", "ledger.UpdateDue", "mail.Send", "queue.Handle"},
}

// TestCrashPointsCluster does so to each service of a cluster.
func TestCrashPointsCluster(t *testing.T) {
	if !inLong(false, true) {
		t.Skip("set UNREEL_TEST_FAULTS=long")
	}
	program := harness.Build(t, "faults")
	jobs := crashJobs(t)
	cases := clusterCases(t)
	var workers sync.WaitGroup
	for number := range 6 { // they wait for leases to end more than they work
		workers.Go(func() {
			t.Run(fmt.Sprintf("cluster %d", number), func(t *testing.T) {
				site := newCrashCluster(t, program)
				for c := range cases {
					t.Run(c.service+"/"+c.point.String(), func(t *testing.T) {
						site.choose(c.service)
						site.crash(t, c.point, jobs)
					})
				}
			})
		})
	}
	workers.Wait()
	if left := len(cases); left > 0 {
		t.Errorf("%d cases were not run", left)
	}
}

// clusterCase is a service to end, and where.
type clusterCase struct {
	service string
	point   faults.Point
}

// clusterCases returns every case, for whoever takes the next.
func clusterCases(t *testing.T) <-chan clusterCase {
	t.Helper()
	var all []clusterCase
	for _, service := range slices.Sorted(maps.Keys(hosts)) {
		for _, point := range crashPoints(t, hosts[service]) {
			all = append(all, clusterCase{service, point})
		}
	}
	cases := make(chan clusterCase, len(all))
	for _, c := range all {
		cases <- c
	}
	close(cases)
	return cases
}

// crashPoints returns points before and after each effect: one at any of its calls, or in the long form 20 at one call
// after the other.
func crashPoints(t *testing.T, effects []string) []faults.Point {
	t.Helper()
	random := seeded(t)
	var points []faults.Point
	for _, effect := range effects {
		for _, after := range []bool{false, true} {
			first := random.Int64N(calls[effect])
			for i := range inLong(1, 20) {
				points = append(points, faults.Point{Effect: effect, After: after, Call: 1 + (first+int64(i))%calls[effect]})
			}
		}
	}
	return points
}

// crashJobs is what every client uploads.
func crashJobs(t *testing.T) []outcome {
	t.Helper()
	return []outcome{
		{"good", mediatest.Bytes(t, mediatest.Spec{Seconds: 1, Container: "mkv"}), conversion.Completed, 1},
		{"poison", []byte("this is no video"), conversion.Failed, 0},
	}
}

// crash lets one client work until the process has ended at its point, starts it again and wants everything that was
// promised to be kept.
func (s *crashSite) crash(t *testing.T, point faults.Point, jobs []outcome) {
	client := &crashClient{url: s.url, email: fmt.Sprintf("ada+%d@example.com", rand.Uint64()), jobs: jobs, oracle: newOracle(t)}
	kills := 1
	if point.Effect == "ledger.UpdateAwake" {
		s.leaveWork(t, client)
		kills++
	}
	s.stop(t)
	s.victim.Start(t, "UNREEL_CRASH="+point.String())

	working := make(chan error, 1)
	go func() { working <- client.work(t.Context()) }()
	status := s.victim.Died(t, crashPatience)
	client.finish.Store(true)
	if status.Signal() != syscall.SIGKILL || !strings.Contains(s.victim.Log(), "crash point "+point.String()) {
		t.Errorf("the process did not end at its crash point: status %v", status)
	}
	s.victim.Start(t)
	if err := <-working; err != nil {
		t.Fatal(err)
	}
	s.settle(t, client.oracle.count())
	s.judge(t, client, kills)
	if s.cluster != nil { // leave nothing to the next
		if err := client.deleteAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.settle(t, 0)
		s.awaitFiles(t, 0, 0)
	}
}

// leaveWork has the process killed with work on its hands, so that the next run finds some.
func (s *crashSite) leaveWork(t *testing.T, client *crashClient) {
	t.Helper()
	s.victim.Start(t)
	if err := client.arrive(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := client.upload(t.Context(), client.jobs[0]); err != nil {
		t.Fatal(err)
	}
	s.victim.Kill(t)
}

// settle waits until nothing is left to do, and nothing of what was refused is left.
func (s *crashSite) settle(t *testing.T, promised int) {
	t.Helper()
	db := s.database(t)
	harness.Within(t, crashPatience, "everything to settle", func() error {
		var records, open int
		query := `SELECT COUNT(*), COUNT(wake_due) FROM conversions`
		if err := db.QueryRow(context.WithoutCancel(t.Context()), query, nil, &records, &open); err != nil {
			return err
		}
		if records != promised || open > 0 {
			return fmt.Errorf("%d records, %d open, want %d and none", records, open, promised)
		}
		return nil
	})
}

// judge asks for everything that was promised, and for files that nobody was promised.
func (s *crashSite) judge(t *testing.T, client *crashClient, kills int) {
	t.Helper()
	v := client.oracle.check(t, getter(func() string { return s.url }, client.token), s.mails)
	if v.again > kills {
		t.Errorf("%d conversions were begun again, want %d at most", v.again, kills)
	}
	if v.mailedTwice > 0 && !s.mayMailTwice() {
		t.Errorf("%d mails came twice", v.mailedTwice)
	}
	s.awaitFiles(t, client.oracle.count(), v.completed)
}
