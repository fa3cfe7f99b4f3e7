package faults

import (
	"fmt"
	"testing"
	"time"

	"github.com/unreel/unreel/test/harness"
)

// testAckEarly has a conversion last longer than its hint may stay in the converter's hands.
func (s *site) testAckEarly(t *testing.T) {
	s.lasts(t, 2*shortLease)
}

// TestConsumerTimeout has a conversion last longer than a broker's consumer_timeout, which it looks at once a minute.
func TestConsumerTimeout(t *testing.T) {
	if inLong(true, false) {
		t.Skip("takes minutes: set UNREEL_TEST_FAULTS=long")
	}
	s := newSite(t, harness.Shape{Converters: 2, Broker: []string{"consumer_timeout = 60000"}})
	s.lasts(t, 3*time.Minute)
	s.finish(t)
}

// lasts makes one conversion take some time, and wants one attempt at it.
func (s *site) lasts(t *testing.T, some time.Duration) {
	id := s.accepted(t, s.long)
	running := s.hold(t, id, 1)
	began := time.Now()
	// An ffmpeg that stands still for too long is taken for hung.
	pulse := time.Now()
	harness.Within(t, 2*some, fmt.Sprintf("%v to pass", some), func() error {
		if time.Since(pulse) > 20*time.Second {
			running.release()
			running = s.hold(t, id, 1)
			pulse = time.Now()
		}
		if since := time.Since(began); since < some {
			return fmt.Errorf("%v have", since)
		}
		return nil
	})
	running.release()
	if c := s.user.Settled(t, id); c.Status != "completed" || c.Attempts != 1 {
		t.Errorf("%s after %d attempts, want completed after 1", c.Status, c.Attempts)
	}
}
