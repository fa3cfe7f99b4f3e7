package queuetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/queue"
)

// testHint sends a message with every field.
func testHint(t *testing.T, q queue.Queue) {
	id := newID()
	want := queue.Message{
		VideoID:  id,
		MP3ID:    &id,
		Username: "ada@example.com",
		ID:       id,
		Status:   conversion.Failed,
		Options:  &conversion.Options{Bitrate: 128, Title: "Ünreel <b>"},
		Attempt:  3,
		Error:    &queue.Error{Type: "/problems/too-long", Title: "Too long", Detail: "13 hours"},
		Trace:    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	}
	got := collect(t, q, queue.MP3, 1)
	publish(t, q, queue.MP3, want)
	if diff := cmp.Diff(want, receive(t, got)); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
}

// testFirstVersion sends the three fields that programs of the first version know.
func testFirstVersion(t *testing.T, q queue.Queue) {
	want := queue.Message{VideoID: newID(), Username: "ada@example.com"}
	got := collect(t, q, queue.Video, 1)
	publish(t, q, queue.Video, want)
	if diff := cmp.Diff(want, receive(t, got)); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
}

func testWaits(t *testing.T, q queue.Queue) {
	ids := publishIDs(t, q, queue.Video, 10)
	receiveIDs(t, collect(t, q, queue.Video, 1), ids)
}

func testEveryHint(t *testing.T, q queue.Queue) {
	got := collect(t, q, queue.Video, 4)
	receiveIDs(t, got, publishIDs(t, q, queue.Video, 200))
}

func testTopics(t *testing.T, q queue.Queue) {
	videos, mp3s := collect(t, q, queue.Video, 1), collect(t, q, queue.MP3, 1)
	ids, others := publishIDs(t, q, queue.Video, 5), publishIDs(t, q, queue.MP3, 5)
	receiveIDs(t, videos, ids)
	receiveIDs(t, mp3s, others)
}

// testSlots holds handlers back and counts them.
func testSlots(t *testing.T, q queue.Queue) {
	const slots = 3
	var running atomic.Int32
	started, release := make(chan queue.Message, 100), make(chan struct{})
	consume(t, q, queue.Video, slots, func(_ context.Context, message queue.Message) error {
		defer running.Add(-1)
		if n := running.Add(1); n > slots {
			t.Errorf("%d handlers run at once, want at most %d", n, slots)
		}
		started <- message
		<-release
		return nil
	})
	unblock := sync.OnceFunc(func() { close(release) })
	t.Cleanup(unblock) // before the consumer's own
	ids := publishIDs(t, q, queue.Video, 4*slots)
	first := map[conversion.ID]bool{}
	for range slots {
		first[receive(t, started).ID] = true
	}
	select {
	case <-started:
		t.Fatalf("a handler was started beyond %d slots", slots)
	case <-time.After(50 * time.Millisecond): // long enough to catch a queue that counts wrong
	}
	unblock()
	for id := range first {
		delete(ids, id)
	}
	for len(ids) > 0 {
		delete(ids, receive(t, started).ID)
	}
}

// testConsumersShare has one consumer hang: the other gets what is left.
func testConsumersShare(t *testing.T, q queue.Queue) {
	hung, release := make(chan queue.Message, 1), make(chan struct{})
	consume(t, q, queue.Video, 1, func(_ context.Context, message queue.Message) error {
		hung <- message
		<-release
		return nil
	})
	t.Cleanup(func() { close(release) })
	publishIDs(t, q, queue.Video, 1)
	receive(t, hung)
	ids := publishIDs(t, q, queue.Video, 20)
	receiveIDs(t, collect(t, q, queue.Video, 1), ids)
}

// testHandlerFails has handlers fail in every way; the next hint must come nevertheless.
func testHandlerFails(t *testing.T, q queue.Queue) {
	failures := []func() error{
		func() error { return errors.New("cannot now") },
		func() error { return fmt.Errorf("no such options: %w", queue.ErrReject) },
		func() error { panic("a bug") },
		func() error { return nil },
	}
	handled := make(chan int, 100)
	consume(t, q, queue.Video, 1, func(_ context.Context, message queue.Message) error {
		handled <- message.Attempt
		return failures[message.Attempt]()
	})
	for i := range failures {
		id := newID()
		publish(t, q, queue.Video, queue.Message{VideoID: id, ID: id, Attempt: i})
		for receive(t, handled) != i {
			continue // an earlier one may come again
		}
	}
}

func testStopWaits(t *testing.T, q queue.Queue) {
	started, release := make(chan struct{}, 1), make(chan struct{})
	var finished atomic.Bool
	c := consume(t, q, queue.Video, 1, func(ctx context.Context, _ queue.Message) error {
		started <- struct{}{}
		<-release
		if err := ctx.Err(); err != nil {
			t.Errorf("the handler's context ended with the consumer's: %v", err)
		}
		finished.Store(true)
		return nil
	})
	publishIDs(t, q, queue.Video, 1)
	receive(t, started)
	c.stop()
	select {
	case err := <-c.done:
		c.done <- err
		t.Error("consume returned while a handler was running")
	case <-time.After(50 * time.Millisecond): // long enough to catch a queue that does not wait
	}
	close(release)
	c.end(t)
	if !finished.Load() {
		t.Error("consume returned before the handler did")
	}
}

// testStopLeaves stops a consumer while hints wait: another one gets them.
func testStopLeaves(t *testing.T, q queue.Queue) {
	started, release := make(chan queue.Message, 100), make(chan struct{})
	c := consume(t, q, queue.Video, 1, func(_ context.Context, message queue.Message) error {
		started <- message
		<-release
		return nil
	})
	ids := publishIDs(t, q, queue.Video, 10)
	delete(ids, receive(t, started).ID)
	c.stop()
	close(release)
	c.end(t)
	for len(started) > 0 { // more may have been begun before the stop was heard
		delete(ids, (<-started).ID)
	}
	later := publishIDs(t, q, queue.Video, 3)
	for id := range later {
		ids[id] = true
	}
	receiveIDs(t, collect(t, q, queue.Video, 2), ids)
}

func testNoSlots(t *testing.T, q queue.Queue) {
	handler := func(context.Context, queue.Message) error { return nil }
	if err := q.Consume(t.Context(), queue.Video, 0, handler); err == nil {
		t.Error("consume with no slots gave no error")
	}
}
