package faults

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/test/harness"
)

// said tells whether one line of a log has all of these.
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

// TestPausedConverter stops a converter's clock in the middle of its work, for longer than its claim lasts. Another one
// does the work, and what the stopped one does when it goes on must have no effect.
func TestPausedConverter(t *testing.T) {
	s := newSite(t, harness.Shape{Converters: 2})
	long := outcome{"long", mediatest.Bytes(t, mediatest.Spec{Seconds: 900, Container: "mkv", NoPicture: true, Bitrate: "24k", Rate: 16000}), conversion.Completed, 900}
	for i := range inLong(1, 20) {
		id, err := s.send(t.Context(), s.cluster.URL, fmt.Sprintf("long-%d", i), long)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.oracle.accept(id, long); err != nil {
			t.Fatal(err)
		}
		s.pauseHolder(t, id)
	}
	s.finish(t)
}

// pauseHolder pauses whoever converts, and wants it fenced out.
func (s *site) pauseHolder(t *testing.T, id string) {
	stopped := s.cluster.Converters[s.holder(t, id, 1)]
	stopped.Pause(t)
	paused := time.Now()
	completed := s.user.Settled(t, id)
	if completed.Status != "completed" || completed.Attempts != 2 {
		t.Errorf("without the stopped one it is %s after %d attempts, want completed after 2", completed.Status, completed.Attempts)
	}
	harness.Eventually(t, "three leases to pass", func() error {
		if since := time.Since(paused); since < 3*shortLease {
			return fmt.Errorf("%v have", since)
		}
		return nil
	})
	stopped.Continue(t)
	harness.Eventually(t, "the stopped one to give up", func() error {
		if log := stopped.Log(); !said(log, id, "conversion given up") && !said(log, id, "conversion handed back") && !said(log, id, "result dropped") {
			return fmt.Errorf("it has not")
		}
		return nil
	})
	now := s.user.Conversion(t, id)
	if now.Attempts != 2 || now.Status != completed.Status || now.FinishedAt == nil || !now.FinishedAt.Equal(*completed.FinishedAt) {
		t.Errorf("the stopped one has changed the record\nfrom %+v\nto   %+v", completed, now)
	}
	got := s.user.Get(t, "/v1/conversions/"+id+"/mp3")
	if sum := sha256.Sum256(got.Body); got.Status != http.StatusOK || hex.EncodeToString(sum[:]) != now.MP3.SHA256 {
		t.Errorf("%d: the MP3 is not the one that the record describes", got.Status)
	}
}
