package queuetest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/queue"
)

// subscriber runs Subscribe in the background.
type subscriber struct {
	events chan conversion.Event
	stop   context.CancelFunc
	done   chan error
}

// subscribe returns when the subscription is known to stand: what was announced before is nobody's.
func subscribe(t *testing.T, q queue.Queue) *subscriber {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	s := &subscriber{events: make(chan conversion.Event, 10_000), stop: stop, done: make(chan error, 1)}
	go func() { s.done <- q.Subscribe(ctx, func(event conversion.Event) { s.events <- event }) }()
	t.Cleanup(func() { s.end(t) })

	greeting := conversion.Event{ID: newID(), Status: conversion.Queued}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		announce(t, q, greeting)
		select {
		case <-s.events:
			return s
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Fatal("the subscription never came to stand")
	return nil
}

func (s *subscriber) end(t *testing.T) {
	t.Helper()
	s.stop()
	if err := receive(t, s.done); err != nil {
		t.Errorf("subscribe: %v", err)
	}
	s.done <- nil
}

// next returns the next event of one conversion.
func (s *subscriber) next(t *testing.T, id conversion.ID) conversion.Event {
	t.Helper()
	for {
		if event := receive(t, s.events); event.ID == id {
			return event
		}
	}
}

func announce(t *testing.T, q queue.Queue, event conversion.Event) {
	t.Helper()
	if err := q.Announce(t.Context(), event); err != nil {
		t.Fatalf("announce: %v", err)
	}
}

func testEvents(t *testing.T, q queue.Queue) {
	first, second := subscribe(t, q), subscribe(t, q)
	want := conversion.Event{
		ID:       newID(),
		Owner:    "5f0c",
		Status:   conversion.Converting,
		Progress: 0.25,
		At:       time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC),
	}
	announce(t, q, want)
	for name, s := range map[string]*subscriber{"first": first, "second": second} {
		if diff := cmp.Diff(want, s.next(t, want.ID)); diff != "" {
			t.Errorf("the %s subscriber's event (-want +got):\n%s", name, diff)
		}
	}
}

func testEventsInOrder(t *testing.T, q queue.Queue) {
	const steps = 100
	s := subscribe(t, q)
	ids := []conversion.ID{newID(), newID(), newID()}
	for step := range steps {
		for _, id := range ids {
			announce(t, q, conversion.Event{ID: id, Status: conversion.Converting, Progress: float64(step)})
		}
	}
	last := map[conversion.ID]float64{ids[0]: -1, ids[1]: -1, ids[2]: -1}
	for ended := 0; ended < len(ids); {
		event := receive(t, s.events)
		before, ours := last[event.ID]
		if !ours {
			continue // a greeting
		}
		if event.Progress <= before {
			t.Fatalf("%s: step %v came after step %v", event.ID, event.Progress, before)
		}
		last[event.ID] = event.Progress
		if event.Progress == steps-1 {
			ended++
		}
	}
}

func testSubscribersLeave(t *testing.T, q queue.Queue) {
	announce(t, q, conversion.Event{ID: newID(), Status: conversion.Queued}) // nobody listens
	leaver, stayer := subscribe(t, q), subscribe(t, q)
	leaver.end(t)
	event := conversion.Event{ID: newID(), Status: conversion.Completed, Progress: 1}
	announce(t, q, event)
	if diff := cmp.Diff(event, stayer.next(t, event.ID)); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
	for len(leaver.events) > 0 {
		if got := <-leaver.events; got.ID == event.ID {
			t.Error("a subscriber that had left was told")
		}
	}
}
