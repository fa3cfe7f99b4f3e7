package faults

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/unreel/unreel/test/harness"
)

// testPartitions cuts links between services and servers, several at once that have nothing to do with each other,
// and joins them again.
func (s *site) testPartitions(t *testing.T) {
	for _, names := range [][]string{
		{"gateway-auth", "converter-database", "notifier-mail"},
		{"gateway-blobs", "converter-queue"},
		{"gateway-database", "converter-blobs"},
	} {
		for _, halfOpen := range []bool{false, true} {
			kind := map[bool]string{false: "dropped", true: "half-open"}[halfOpen]
			t.Run(strings.Join(names, " and ")+" "+kind, func(t *testing.T) {
				s.partition(t, names, halfOpen, inLong(5*time.Second, time.Minute))
			})
		}
	}
}

// partition cuts links for some time while a video is converted, others arrive and the gateway is asked for everything.
func (s *site) partition(t *testing.T, names []string, halfOpen bool, lasting time.Duration) {
	s.user.LogIn(t) // its token may be from long ago
	running := s.hold(t, s.accepted(t, s.long), 1)
	// Long enough for a claim to end; a minute without progress would rightly end the conversion.
	defer time.AfterFunc(3*shortLease, running.release).Stop()
	began := time.Now()
	var joins []func()
	for _, name := range names {
		join := s.links.cut(t, name, halfOpen)
		joins = append(joins, join)
		t.Cleanup(join)
	}
	var work, asking sync.WaitGroup
	for range 3 {
		job := s.next
		s.next++
		work.Go(func() {
			if err := s.upload(t.Context(), job); err != nil {
				t.Error(err)
			}
		})
	}
	for _, name := range names {
		switch name {
		case "gateway-auth", "gateway-blobs", "gateway-database":
			asking.Go(func() { s.askAround(t, strings.TrimPrefix(name, "gateway-")) })
		case "converter-database":
			work.Go(func() { s.wantGivenUp(t, running, began) })
		}
	}
	harness.Within(t, 2*lasting, fmt.Sprintf("%v to pass", lasting), func() error {
		if since := time.Since(began); since < lasting {
			return fmt.Errorf("%v have", since)
		}
		return nil
	})
	asking.Wait()
	for _, join := range joins {
		join()
	}
	running.release()
	work.Wait()
}

// wantGivenUp wants a converter that cannot reach the ledger to stop before its claim ends.
func (s *site) wantGivenUp(t *testing.T, running held, cut time.Time) {
	var gaveUp time.Time
	harness.Eventually(t, "the converter to give up", func() (err error) {
		gaveUp, err = saidAt(running.converter.Log(), "claim not renewed in time", running.id)
		return err
	})
	// It was renewed before the cut at the latest, and had two thirds of the lease from then on.
	if took := gaveUp.Sub(cut); took < 0 || took > shortLease*2/3+time.Second {
		t.Errorf("gave up after %v, the lease is %v", took, shortLease)
	} else {
		t.Logf("gave up after %v, the lease is %v", took.Round(time.Millisecond), shortLease)
	}
}

// answerPatience is how long the gateway may take to notice that a server gives no answer: less than any driver does
// that is left to itself.
const answerPatience = 15 * time.Second

// askAround wants a 503 that says when to come back for what needs the server that is away, and all else served.
func (s *site) askAround(t *testing.T, away string) {
	for name, needs := range map[string]struct {
		servers string
		request func() *http.Request
	}{
		"page":   {"", func() *http.Request { return s.user.Request(t, http.MethodGet, "/", nil) }},
		"list":   {"database", func() *http.Request { return s.user.Request(t, http.MethodGet, "/v1/conversions", nil) }},
		"log in": {"auth", s.logIn(t)},
		"upload": {"database blobs", s.uploadRequest(t)},
	} {
		needed := strings.Contains(needs.servers, away)
		if name == "upload" && !needed {
			continue // others upload meanwhile
		}
		status, retryAfter := s.ask(t, needs.request(), answerPatience)
		switch {
		case !needed && (status == 0 || status >= http.StatusBadRequest):
			t.Errorf("%s without %s: %d", name, away, status)
		case needed && (status != http.StatusServiceUnavailable || retryAfter == ""):
			t.Errorf("%s without %s: %d, Retry-After %q, want 503 and when to come back", name, away, status, retryAfter)
		}
	}
}

func (s *site) logIn(t *testing.T) func() *http.Request {
	return func() *http.Request {
		request := s.user.Request(t, http.MethodPost, "/v1/sessions",
			strings.NewReader(fmt.Sprintf(`{"email":%q,"password":%q}`, s.user.Email, harness.Password)))
		request.Header.Set("Content-Type", "application/json")
		return request
	}
}

// uploadRequest is an upload that is refused even when it comes through late: it has two files.
func (s *site) uploadRequest(t *testing.T) func() *http.Request {
	return func() *http.Request {
		contentType, body := harness.Form(t, harness.Part{Field: "file", File: "a.mkv", Content: "a"}, harness.Part{Field: "file", File: "b.mkv", Content: "b"})
		request := s.user.Request(t, http.MethodPost, "/v1/conversions", body)
		request.Header.Set("Content-Type", contentType)
		return request
	}
}
