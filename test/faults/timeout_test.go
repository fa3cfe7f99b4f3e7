package faults

import (
	"fmt"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mediatest"
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
	// A slow machine's ffmpeg breathes long; it must not come to its end by that.
	s.long = outcome{"long", mediatest.Bytes(t, mediatest.Spec{Seconds: 1200, Container: "mkv", NoPicture: true, Bitrate: "32k"}), conversion.Completed, 1200}
	s.lasts(t, 3*time.Minute)
	s.finish(t)
}

// lasts makes one conversion take some time, and wants one attempt at it.
func (s *site) lasts(t *testing.T, some time.Duration) {
	id := s.accepted(t, s.long)
	running := s.hold(t, id, 1)
	began, pulse := time.Now(), time.Now()
	harness.Within(t, 2*some, fmt.Sprintf("%v to pass", some), func() error {
		if time.Since(pulse) > 20*time.Second {
			running = s.breathe(t, id, running)
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

// breathe lets an ffmpeg go on until it has told of progress: one that stands still for a minute is taken for hung.
func (s *site) breathe(t *testing.T, id string, running held) held {
	before := s.user.Conversion(t, id).Progress
	running.release()
	harness.Eventually(t, "progress", func() error {
		if now := s.user.Conversion(t, id); now.Progress <= before {
			return fmt.Errorf("%s, %v", now.Status, now.Progress)
		}
		return nil
	})
	return s.hold(t, id, 1)
}
