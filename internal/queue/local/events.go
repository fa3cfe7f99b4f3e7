package local

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/unreel/unreel/internal/conversion"
)

// backlog is how many events wait for a subscriber that is slow.
const backlog = 1024

// Announce leaves the event with every subscriber.
func (q *Queue) Announce(ctx context.Context, event conversion.Event) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return fmt.Errorf("announce: %w", errClosed)
	}
	for s := range q.subscribers {
		s.push(event)
	}
	return nil
}

// Subscribe hands events to the handler, from now on.
func (q *Queue) Subscribe(ctx context.Context, handler func(conversion.Event)) error {
	s := &subscriber{ready: make(chan struct{}, 1)}
	if err := q.join(s); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	defer q.leave(s)
	for event, ok := s.next(ctx); ok; event, ok = s.next(ctx) {
		q.tell(ctx, event, handler)
	}
	return nil
}

func (q *Queue) tell(ctx context.Context, event conversion.Event, handler func(conversion.Event)) {
	defer q.survive(ctx, q.log.With("conversion", string(event.ID)))
	handler(event)
}

func (q *Queue) join(s *subscriber) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return errClosed
	}
	q.subscribers[s] = struct{}{}
	return nil
}

func (q *Queue) leave(s *subscriber) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.subscribers, s)
}

// subscriber is what one Subscribe has not handed over yet, oldest first.
type subscriber struct {
	mu      sync.Mutex
	pending []conversion.Event
	ready   chan struct{} // holds a token while something is pending
}

func (s *subscriber) push(event conversion.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = append(s.pending, event)
	if len(s.pending) > backlog {
		i := expendable(s.pending)
		s.pending = append(s.pending[:i], s.pending[i+1:]...)
	}
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

func (s *subscriber) next(ctx context.Context) (conversion.Event, bool) {
	for ctx.Err() == nil {
		if event, ok := s.pop(); ok {
			return event, true
		}
		select {
		case <-ctx.Done():
		case <-s.ready:
		}
	}
	return conversion.Event{}, false
}

func (s *subscriber) pop() (conversion.Event, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) == 0 {
		return conversion.Event{}, false
	}
	event := s.pending[0]
	s.pending = s.pending[1:]
	return event, true
}

// expendable returns which event is missed least: the oldest progress that a later one of the same
// conversion and status makes stale, else the oldest that any later one does, else the oldest.
func expendable(events []conversion.Event) int {
	later := make(map[conversion.ID]conversion.Status, len(events))
	progress, stale := -1, 0
	for i, event := range slices.Backward(events) {
		status, follows := later[event.ID]
		switch {
		case follows && status == event.Status:
			progress = i
		case follows:
			stale = i
		}
		later[event.ID] = event.Status
	}
	if progress >= 0 {
		return progress
	}
	return stale
}
