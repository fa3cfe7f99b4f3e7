package faults

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mediatest"
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

	links *links
	long  outcome
	next  int // job
}

// newSite starts a cluster in which every converter does one thing at a time.
func newSite(t *testing.T, shape harness.Shape) *site {
	t.Helper()
	s := &site{killLoop: killLoop{oracle: newOracle(t), outcomes: outcomes(t)}, links: newLinks(), long: long(t)}
	shape.Through = s.links.through(t)
	s.cluster = harness.StartClusterOf(t, harness.Build(t, "faults"), shape, "UNREEL_RATE_LIMIT=off", "UNREEL_CONVERTERS=1")
	s.user = harness.SignUp(t, s.cluster.URL, "ada@example.com")
	return s
}

// long is a job of which an ffmpeg can be caught.
func long(t *testing.T) outcome {
	t.Helper()
	video := mediatest.Bytes(t, mediatest.Spec{Seconds: 300, Container: "mkv", NoPicture: true, Bitrate: "32k"})
	return outcome{"long", video, conversion.Completed, 300}
}

// accepted uploads one more job, which is accepted at once, and returns its id.
func (s *site) accepted(t *testing.T, job outcome) string {
	t.Helper()
	s.next++
	id, err := s.send(t.Context(), s.cluster.URL, fmt.Sprintf("at-once-%d", s.next), job)
	if err == nil {
		err = s.oracle.accept(id, job)
	}
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// finish waits until everything has ended, and holds it against what was promised.
func (s *site) finish(t *testing.T) {
	t.Helper()
	s.patience = 3 * time.Minute
	s.settle(t)
	s.judge(t)
}

// ask makes one request of the gateway, and returns status 0 if it was not answered in time.
func (s *site) ask(t *testing.T, request *http.Request, patience time.Duration) (status int, retryAfter string) {
	t.Helper()
	response, err := (&http.Client{Timeout: patience}).Do(request)
	if err != nil {
		return 0, ""
	}
	defer response.Body.Close()
	return response.StatusCode, response.Header.Get("Retry-After")
}
