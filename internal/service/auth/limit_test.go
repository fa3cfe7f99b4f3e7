package auth

import (
	"fmt"
	"testing"
	"time"
)

func TestLimiter(t *testing.T) {
	l, now := newLimiter(logIns), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	buckets := []string{"address a", "client b"}
	for i := range logIns.burst {
		if wait := l.take(now, buckets); wait != 0 {
			t.Fatalf("attempt %d has to wait %v", i, wait)
		}
	}
	if wait := l.take(now, buckets); wait != logIns.interval {
		t.Errorf("wait %v, want %v", wait, logIns.interval)
	}
	if wait := l.take(now, []string{"client b"}); wait != logIns.interval {
		t.Errorf("another address from the same client: wait %v, want %v", wait, logIns.interval)
	}
	if wait := l.take(now, []string{"address c", "client d"}); wait != 0 {
		t.Errorf("somebody else has to wait %v", wait)
	}
	now = now.Add(logIns.interval)
	if wait := l.take(now, buckets); wait != 0 {
		t.Errorf("after the wait: wait %v", wait)
	}
	if wait := l.take(now, buckets); wait != logIns.interval {
		t.Errorf("and once more: wait %v, want %v", wait, logIns.interval)
	}
	l.giveBack(buckets)
	if wait := l.take(now, buckets); wait != 0 {
		t.Errorf("what was given back is not there: wait %v", wait)
	}
}

// TestLimiterTakesAllOrNone makes sure that a refused attempt costs nothing elsewhere.
func TestLimiterTakesAllOrNone(t *testing.T) {
	l, now := newLimiter(logIns), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for range 3 * logIns.burst {
		l.take(now, []string{"a", "b"})
	}
	for range logIns.burst {
		l.take(now, []string{"a", "c"})
	}
	if wait := l.take(now, []string{"c"}); wait != 0 {
		t.Errorf("wait %v", wait)
	}
}

func TestLimiterIsBounded(t *testing.T) {
	l, now := newLimiter(logIns), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 2 * maxLimited {
		l.take(now, []string{fmt.Sprint("client ", i)})
	}
	if len(l.full) > maxLimited {
		t.Errorf("%d buckets are remembered", len(l.full))
	}
	l.take(now.Add(time.Duration(logIns.burst)*logIns.interval), []string{"client"})
	if len(l.full) != 1 {
		t.Errorf("%d buckets are remembered after all are full again", len(l.full))
	}
}

func TestNetwork(t *testing.T) {
	for from, want := range map[string]string{
		"192.0.2.1":           "192.0.2.1",
		"2001:db8:1:2:3::4":   "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff::": "2001:db8:1:2::/64",
		"fe80::1%eth0":        "fe80::/64",
	} {
		if got := network(from); got != want {
			t.Errorf("network(%s) = %s, want %s", from, got, want)
		}
	}
}
