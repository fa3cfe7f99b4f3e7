package local

import (
	"context"
	"sync"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/queue"
)

// topic is a line of hints, first in, first out, each id at most once.
type topic struct {
	mu      sync.Mutex
	line    []conversion.ID
	waiting map[conversion.ID]queue.Message // what stands in line

	ready chan struct{} // holds a token while somebody should look at the line
}

func newTopic() *topic {
	return &topic{waiting: map[conversion.ID]queue.Message{}, ready: make(chan struct{}, 1)}
}

func (t *topic) push(message queue.Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	id := key(message)
	if _, waits := t.waiting[id]; !waits {
		t.line = append(t.line, id)
	}
	t.waiting[id] = message
	t.wake()
}

// next takes the first hint, when there is one; false when the context has ended.
func (t *topic) next(ctx context.Context) (queue.Message, bool) {
	for {
		if ctx.Err() != nil {
			t.wake() // the token may have come here; others still wait for it
			return queue.Message{}, false
		}
		if message, ok := t.pop(); ok {
			return message, true
		}
		select {
		case <-ctx.Done():
		case <-t.ready:
		}
	}
}

func (t *topic) pop() (queue.Message, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.line) == 0 {
		return queue.Message{}, false
	}
	id := t.line[0]
	t.line = t.line[1:]
	message := t.waiting[id]
	delete(t.waiting, id)
	if len(t.line) > 0 {
		t.wake()
	}
	return message, true
}

func (t *topic) wake() {
	select {
	case t.ready <- struct{}{}:
	default:
	}
}
