// Package queuetest is the suite that every queue passes. It asks no more than what the services rely on:
// a hint comes at least once, in any order, to some consumer.
package queuetest

import (
	"context"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/queue"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// Run tests a backend. Each call of open returns a queue that nothing waits in; the suite closes it.
func Run(t *testing.T, open func(t *testing.T) queue.Queue) {
	tests := []struct {
		name string
		run  func(t *testing.T, q queue.Queue)
	}{
		{"check", testCheck},
		{"hint", testHint},
		{"first version's hint", testFirstVersion},
		{"waits for a consumer", testWaits},
		{"every hint", testEveryHint},
		{"topics are apart", testTopics},
		{"slots", testSlots},
		{"consumers share", testConsumersShare},
		{"handler that fails", testHandlerFails},
		{"stop waits for handlers", testStopWaits},
		{"stop leaves hints to others", testStopLeaves},
		{"no slots", testNoSlots},
		{"events", testEvents},
		{"events in order", testEventsInOrder},
		{"subscribers come and go", testSubscribersLeave},
		{"closed", testClosed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			q := open(t)
			t.Cleanup(func() { q.Close() })
			test.run(t, q)
		})
	}
}

func newID() conversion.ID { return conversion.NewID(time.Now()) }

// consumer runs Consume in the background.
type consumer struct {
	stop context.CancelFunc
	done chan error
}

func consume(t *testing.T, q queue.Queue, topic queue.Topic, slots int, handler queue.Handler) *consumer {
	ctx, stop := context.WithCancel(t.Context())
	c := &consumer{stop: stop, done: make(chan error, 1)}
	go func() { c.done <- q.Consume(ctx, topic, slots, handler) }()
	t.Cleanup(func() { c.end(t) })
	return c
}

// end stops the consumer and waits for it; more often than once does no harm.
func (c *consumer) end(t *testing.T) {
	t.Helper()
	c.stop()
	if err := receive(t, c.done); err != nil {
		t.Errorf("consume: %v", err)
	}
	c.done <- nil
}

// collect consumes into a channel.
func collect(t *testing.T, q queue.Queue, topic queue.Topic, slots int) <-chan queue.Message {
	got := make(chan queue.Message, 1000)
	consume(t, q, topic, slots, func(_ context.Context, message queue.Message) error {
		got <- message
		return nil
	})
	return got
}

func publish(t *testing.T, q queue.Queue, topic queue.Topic, message queue.Message) {
	t.Helper()
	if err := q.Publish(t.Context(), topic, message); err != nil {
		t.Fatalf("publish to %s: %v", topic, err)
	}
}

// publishIDs publishes hints and returns their ids.
func publishIDs(t *testing.T, q queue.Queue, topic queue.Topic, count int) map[conversion.ID]bool {
	t.Helper()
	ids := map[conversion.ID]bool{}
	for range count {
		id := newID()
		publish(t, q, topic, queue.Message{VideoID: id, ID: id})
		ids[id] = true
	}
	return ids
}

// receive returns the next value, or ends the test.
func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(patience):
		t.Fatal("waited in vain")
		panic("unreachable")
	}
}

// receiveIDs receives until every id has come, in any order and any number of times.
func receiveIDs(t *testing.T, from <-chan queue.Message, want map[conversion.ID]bool) {
	t.Helper()
	got := map[conversion.ID]bool{}
	for len(got) < len(want) {
		id := receive(t, from).ID
		if !want[id] {
			t.Fatalf("got a hint at %s that nobody published here", id)
		}
		got[id] = true
	}
}

func testCheck(t *testing.T, q queue.Queue) {
	if err := q.Check(t.Context()); err != nil {
		t.Errorf("check: %v", err)
	}
}

func testClosed(t *testing.T, q queue.Queue) {
	if err := q.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	if err := q.Check(t.Context()); err == nil {
		t.Error("check of a closed queue gave no error")
	}
	id := newID()
	if err := q.Publish(t.Context(), queue.Video, queue.Message{VideoID: id, ID: id}); err == nil {
		t.Error("publish to a closed queue gave no error")
	}
}
