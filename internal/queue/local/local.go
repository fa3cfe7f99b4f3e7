// Package local is the queue of a single process: hints wait in memory and events go from function to
// function. What must last is in the ledger, so nothing here needs to survive the process.
package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/queue"
)

// errClosed says that the queue was used after Close.
var errClosed = errors.New("the queue is closed")

// Queue carries hints and events inside one process.
type Queue struct {
	log *slog.Logger

	mu          sync.Mutex
	closed      bool
	topics      map[queue.Topic]*topic
	subscribers map[*subscriber]struct{}
}

var _ queue.Queue = (*Queue)(nil)

// New makes an empty queue. The logger hears of handlers that fail.
func New(log *slog.Logger) *Queue {
	return &Queue{
		log:         log,
		topics:      map[queue.Topic]*topic{},
		subscribers: map[*subscriber]struct{}{},
	}
}

// Publish appends a hint. While one with the same id waits in the topic, the newer takes its place
// in the line, so that memory is bounded by the conversions that are open.
func (q *Queue) Publish(ctx context.Context, name queue.Topic, message queue.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	topic, err := q.topic(name)
	if err != nil {
		return fmt.Errorf("publish to %s: %w", name, err)
	}
	topic.push(message)
	return nil
}

// Consume runs one loop a slot.
func (q *Queue) Consume(ctx context.Context, name queue.Topic, slots int, handler queue.Handler) error {
	if slots < 1 {
		return fmt.Errorf("consume %s: %d slots, must be at least 1", name, slots)
	}
	topic, err := q.topic(name)
	if err != nil {
		return fmt.Errorf("consume %s: %w", name, err)
	}
	var running sync.WaitGroup
	for range slots {
		running.Go(func() {
			for message, ok := topic.next(ctx); ok; message, ok = topic.next(ctx) {
				q.handle(context.WithoutCancel(ctx), name, message, handler)
			}
		})
	}
	running.Wait()
	return nil
}

// handle runs the handler on one hint and settles it: what comes back is only told.
func (q *Queue) handle(ctx context.Context, name queue.Topic, message queue.Message, handler queue.Handler) {
	log := q.log.With("topic", string(name), "conversion", string(key(message)))
	defer q.survive(ctx, log)
	switch err := handler(ctx, message); {
	case errors.Is(err, queue.ErrReject):
		log.ErrorContext(ctx, "hint set aside, it can never be handled", "error", err)
	case err != nil:
		log.WarnContext(ctx, "hint not handled, the relay will send it again", "error", err)
	}
}

// survive keeps a handler's panic from ending the services that share the process.
func (q *Queue) survive(ctx context.Context, log *slog.Logger) {
	if reason := recover(); reason != nil {
		log.ErrorContext(ctx, "handler panicked", "error", fmt.Sprint(reason), "stack", string(debug.Stack()))
	}
}

// topic returns a topic, made when it is first named.
func (q *Queue) topic(name queue.Topic) (*topic, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, errClosed
	}
	found, ok := q.topics[name]
	if !ok {
		found = newTopic()
		q.topics[name] = found
	}
	return found, nil
}

// Check returns nil until Close.
func (q *Queue) Check(context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return errClosed
	}
	return nil
}

// Close forgets the hints that wait and refuses new ones.
func (q *Queue) Close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	clear(q.topics)
	return nil
}

// key is the id that a hint is about: programs of the first version send only the video's.
func key(message queue.Message) conversion.ID {
	if message.ID != "" {
		return message.ID
	}
	return message.VideoID
}
