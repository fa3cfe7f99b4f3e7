package gateway

import (
	"errors"
	"testing"
)

// TestPlaces leaves some for everybody else, and gives back what was taken.
func TestPlaces(t *testing.T) {
	p := newPlaces(16)
	var leave []func()
	take := func(owner string, want error) {
		t.Helper()
		back, err := p.take(owner)
		if !errors.Is(err, want) {
			t.Fatalf("%s with %d places taken: got %v, want %v", owner, len(leave), err, want)
		}
		if err == nil {
			leave = append(leave, back)
		}
	}
	for range 14 {
		take("greedy", nil)
	}
	take("greedy", errOwnBusy)
	take("ada", nil)
	take("bob", nil)
	take("eve", errBusy)
	leave[0]()
	take("greedy", nil)
	for _, back := range leave[1:] {
		back()
	}
	if p.sum != 0 || len(p.taken) != 0 {
		t.Errorf("%d places are still taken: %v", p.sum, p.taken)
	}
}
