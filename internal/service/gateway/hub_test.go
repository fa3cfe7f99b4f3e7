package gateway

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/ledger"
)

func event(id conversion.ID, owner string, status conversion.Status, progress float64) conversion.Event {
	return conversion.Event{ID: id, Owner: owner, Status: status, Progress: progress}
}

func TestHub(t *testing.T) {
	h := newHub()
	all, one, other := h.open("ada", ""), h.open("ada", "x"), h.open("brendan", "")
	h.hear(event("x", "ada", conversion.Converting, 0.1))
	h.hear(event("y", "ada", conversion.Converting, 0.2))
	h.hear(event("x", "ada", conversion.Converting, 0.3))
	for name, test := range map[string]struct {
		stream *stream
		want   []conversion.Event
	}{
		"all":    {all, []conversion.Event{event("x", "ada", conversion.Converting, 0.3), event("y", "ada", conversion.Converting, 0.2)}},
		"one":    {one, []conversion.Event{event("x", "ada", conversion.Converting, 0.3)}},
		"others": {other, []conversion.Event{}},
	} {
		if diff := cmp.Diff(test.want, test.stream.take()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if again := test.stream.take(); len(again) != 0 {
			t.Errorf("%s: told again: %v", name, again)
		}
	}
	h.close("ada", all)
	h.close("ada", one)
	h.close("brendan", other)
	if len(h.streams) != 0 {
		t.Errorf("left: %v", h.streams)
	}
}

func TestHubProgress(t *testing.T) {
	h := newHub()
	running := ledger.Record{Conversion: conversion.Conversion{ID: "x", Status: conversion.Converting, Progress: 0.2}}
	for _, step := range []struct{ heard, want float64 }{{0.5, 0.5}, {0.1, 0.2}} { // the ledger may know more
		h.hear(event("x", "ada", conversion.Converting, step.heard))
		if got := h.progress(running); got != step.want {
			t.Errorf("progress %v, want %v", got, step.want)
		}
	}
	h.hear(event("x", "ada", conversion.Converting, 0.9))
	queued := ledger.Record{Conversion: conversion.Conversion{ID: "x", Status: conversion.Queued}}
	if got := h.progress(queued); got != 0 {
		t.Errorf("progress %v of what does not run", got)
	}
	h.hear(event("x", "ada", conversion.Completed, 1))
	if len(h.running) != 0 {
		t.Errorf("left: %v", h.running)
	}
}

func TestHubLimit(t *testing.T) {
	h := newHub()
	var opened []*stream
	for range maxStreams {
		opened = append(opened, h.open("ada", ""))
	}
	if h.open("ada", "") != nil {
		t.Error("opened one too many")
	}
	if h.open("brendan", "") == nil {
		t.Error("one owner's streams keep another's closed")
	}
	h.close("ada", opened[0])
	if h.open("ada", "") == nil {
		t.Error("the place of a closed stream stays taken")
	}
}

// TestHubRace has many who tell, listen, come and go; the race detector looks on.
func TestHubRace(t *testing.T) {
	h := newHub()
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for n := range 200 {
				id := conversion.ID(fmt.Sprint(n % 10))
				if i%2 == 0 {
					h.hear(event(id, "ada", conversion.Converting, 0.5))
					h.progress(ledger.Record{Conversion: conversion.Conversion{ID: id}})
					continue
				}
				if s := h.open("ada", ""); s != nil {
					s.take()
					h.close("ada", s)
				}
			}
		})
	}
	group.Wait()
}
