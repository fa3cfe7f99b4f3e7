package faults

import (
	"testing"

	"github.com/unreel/unreel/test/harness"
)

// TestTrouble does to one cluster, one after another, what happens to clusters. Nothing that it has accepted may be lost.
func TestTrouble(t *testing.T) {
	s := newSite(t, harness.Shape{Converters: 2})
	t.Run("paused converter", s.testPaused)
	t.Run("longer than the broker waits", s.testAckEarly)
	t.Run("broker memory alarm", s.testAlarm)
	t.Run("partitions", s.testPartitions)
	s.finish(t)
	t.Run("converters without a fence", s.testNoFence)
	t.Run("stop without servers", s.testStopAlone)
}

// testStopAlone stops every service when the servers have gone before it: that is no failure of a stop.
func (s *site) testStopAlone(t *testing.T) {
	s.cluster.Database.Kill(t)
	s.cluster.Broker.Kill(t)
	s.cluster.Blobs.Kill(t)
	for _, process := range s.cluster.Processes() {
		process.Stop(t)
	}
}
