package faults

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/unreel/unreel/test/harness"
)

// testPaused stops a converter's clock in the middle of its work, for longer than its claim lasts. Another one does the
// work, and what the stopped one does when it goes on must have no effect.
func (s *site) testPaused(t *testing.T) {
	for range inLong(1, 20) {
		s.user.LogIn(t) // twenty rounds take longer than a token lives
		if err := s.pauseHolder(t, s.accepted(t, s.long)); err != nil {
			t.Error(err)
		}
	}
}

// testNoFence wants testPaused to notice converters that are not fenced out.
func (s *site) testNoFence(t *testing.T) {
	for _, converter := range s.cluster.Converters {
		converter.Stop(t)
		converter.Start(t, "UNREEL_MUTANT=no-fence")
		converter.Ready(t)
	}
	err := s.pauseHolder(t, s.accepted(t, s.long))
	if err == nil {
		t.Fatal("nobody has noticed")
	}
	t.Log(err)
}

// pauseHolder pauses whoever converts, and returns what was wrong.
func (s *site) pauseHolder(t *testing.T, id string) error {
	stopped := s.hold(t, id, 1)
	stopped.converter.Pause(t)
	defer stopped.converter.Continue(t) // whatever comes of this: nobody can be asked to end who is stopped
	paused := time.Now()
	completed := s.user.Settled(t, id)
	if completed.Status != "completed" || completed.Attempts != 2 {
		return fmt.Errorf("without the stopped one it is %s after %d attempts, want completed after 2", completed.Status, completed.Attempts)
	}
	harness.Eventually(t, "three leases to pass", func() error {
		if since := time.Since(paused); since < 3*shortLease {
			return fmt.Errorf("%v have", since)
		}
		return nil
	})
	stopped.converter.Continue(t)
	stopped.release()
	harness.Eventually(t, "the stopped one to give up", func() error {
		for _, end := range []string{"conversion given up", "conversion handed back", "result dropped", "conversion completed"} {
			if said(stopped.converter.Log(), id, end) {
				return nil
			}
		}
		return errors.New("it has not")
	})
	// It gives up before it tells the ledger: what it says must have come there.
	other := s.accepted(t, s.outcomes[0])
	s.user.Settled(t, other)
	now := s.user.Conversion(t, id)
	if now.Attempts != 2 || now.Status != completed.Status || now.FinishedAt == nil || !now.FinishedAt.Equal(*completed.FinishedAt) {
		return fmt.Errorf("the stopped one has changed the record\nfrom %+v\nto   %+v", completed, now)
	}
	if mails := s.cluster.Mails(id); len(mails) > 1 {
		return fmt.Errorf("%d mails", len(mails))
	}
	return checkMP3(getter(func() string { return s.cluster.URL }, s.user.Token), now, s.long)
}
