package faults

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/unreel/unreel/test/harness"
)

// shortLease is the lease of a claim in a build with the tag faults.
const shortLease = 6 * time.Second

// inLong returns one of two values by the form in which the tests run.
func inLong[T any](short, long T) T {
	if os.Getenv("UNREEL_TEST_FAULTS") == "long" {
		return long
	}
	return short
}

// seeded is chance that can be had again.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if given, err := strconv.ParseUint(os.Getenv("UNREEL_TEST_SEED"), 10, 64); err == nil {
		seed = given
	}
	t.Logf("UNREEL_TEST_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// site is a cluster with short leases, somebody who uploads to it, and the oracle that knows what was promised.
type site struct {
	killLoop

	next int // job
}

// newSite starts a cluster in which every converter does one thing at a time.
func newSite(t *testing.T, shape harness.Shape, settings ...string) *site {
	t.Helper()
	s := &site{killLoop: killLoop{oracle: newOracle(t), outcomes: outcomes(t)}}
	settings = append([]string{"UNREEL_RATE_LIMIT=off", "UNREEL_CONVERTERS=1"}, settings...)
	s.cluster = harness.StartClusterOf(t, harness.Build(t, "faults"), shape, settings...)
	s.user = harness.SignUp(t, s.cluster.URL, "ada@example.com")
	return s
}

// accepted uploads one more job until it is accepted.
func (s *site) accepted(t *testing.T) {
	t.Helper()
	if err := s.upload(t.Context(), s.next); err != nil {
		t.Fatal(err)
	}
	s.next++
}

// finish waits until everything has ended, and holds it against what was promised.
func (s *site) finish(t *testing.T) {
	t.Helper()
	s.size.jobs = s.oracle.count()
	s.settle(t)
	s.judge(t)
}

// holder returns the index of the converter that has begun the given attempt at a conversion.
func (s *site) holder(t *testing.T, id string, attempt int) int {
	t.Helper()
	holder := -1
	harness.Eventually(t, fmt.Sprintf("attempt %d at %s", attempt, id), func() error {
		for i, converter := range s.cluster.Converters {
			if said(converter.Log(), `"conversion begins"`, id, fmt.Sprintf(`"attempt":%d`, attempt)) {
				holder = i
				return nil
			}
		}
		return fmt.Errorf("nobody has begun")
	})
	return holder
}
