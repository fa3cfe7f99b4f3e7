package faults

import (
	"fmt"
	"testing"

	"github.com/unreel/unreel/test/harness"
)

// testAlarm lets the broker run out of memory: it takes no messages until that is over. Uploads are accepted all the
// same, for the promise is the ledger's.
func (s *site) testAlarm(t *testing.T) {
	s.cluster.Broker.Control(t, "set_vm_memory_high_watermark", "0")
	harness.Eventually(t, "the gateway to hear of the alarm", func() error {
		// Only a connection that has published is told.
		s.accepted(t, s.outcomes[0])
		if !said(s.cluster.Gateways[0].Log(), "dependency is away", `"dependency":"queue"`) {
			return fmt.Errorf("it has not")
		}
		return nil
	})
	var ids []string
	for range 5 {
		ids = append(ids, s.accepted(t, s.outcomes[0]))
	}
	s.cluster.Broker.Control(t, "set_vm_memory_high_watermark", "0.4")
	for _, id := range ids {
		if c := s.user.Settled(t, id); c.Status != "completed" {
			t.Errorf("%s is %s", id, c.Status)
		}
	}
}
