package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/rabbitmq/amqp091-go"
	"golang.org/x/sync/errgroup"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/queue"
)

// Consume runs one loop a slot, each with a channel of its own and one message in hand. While the broker is away, or
// its queues are not as they have to be, it waits.
func (q *Queue) Consume(ctx context.Context, topic queue.Topic, slots int, handler queue.Handler) error {
	if slots < 1 {
		return fmt.Errorf("consume %s: %d slots, must be at least 1", topic, slots)
	}
	if _, ok := types[topic]; !ok {
		return fmt.Errorf("consume %s: %w", topic, errTopic)
	}
	link, err := q.consumer()
	if err != nil {
		return fmt.Errorf("consume %s: %w", topic, err)
	}
	var group errgroup.Group
	w := worker{q, topic, handler}
	for range slots {
		group.Go(func() error { return link.use(ctx, w.drain) })
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("consume %s: %w", topic, err)
	}
	return nil
}

// worker is what the slots of one Consume have in common.
type worker struct {
	queue   *Queue
	topic   queue.Topic
	handler queue.Handler
}

// drain handles hints one by one for as long as a channel lasts. When the context ends, closing the channel
// gives back what was delivered and not begun.
func (w worker) drain(ctx context.Context, e *epoch) error {
	s, err := e.subscribe(1, func(*amqp091.Channel) (string, error) { return string(w.topic), nil })
	if err != nil {
		return fmt.Errorf("consume %s: %w", w.topic, err)
	}
	defer s.close()
	for {
		select {
		case <-ctx.Done():
			return nil
		case delivery, ok := <-s.deliveries:
			if !ok {
				w.report(ctx, s.end())
				return nil
			}
			if ctx.Err() != nil {
				return nil
			}
			d := &hint{Delivery: delivery, from: s}
			w.handle(ctx, d)
			if !d.acked || d.last {
				return nil
			}
		}
	}
}

// report logs that the broker has closed a slot's channel, as it does after its consumer_timeout.
func (w worker) report(ctx context.Context, err error) {
	if err != nil {
		w.queue.log.WarnContext(ctx, "the broker ended a consumer, which begins anew", "topic", string(w.topic), "error", err)
	}
}

// hint is one delivery on its way through a handler. It is acknowledged on the channel that it came from or
// not at all: if that has ended, the broker has already taken the message back.
type hint struct {
	amqp091.Delivery
	from  *subscription
	acked bool
	last  bool // no other is to be delivered to this channel
}

// ack settles the hint, once.
func (h *hint) ack(ctx context.Context) {
	if ctx.Err() != nil {
		h.stop()
	}
	if !h.acked {
		h.acked = h.Ack(false) == nil
	}
}

// stop keeps the broker from delivering another one when this one is acknowledged.
func (h *hint) stop() {
	if !h.last {
		h.last = true
		h.from.cancel()
	}
}

// handle runs the handler and settles the hint.
func (w worker) handle(ctx context.Context, h *hint) {
	message, err := decode(h.Body)
	message.Trace, _ = h.Headers[traceHeader].(string) // what is no text is nobody's trace
	if err != nil {
		err = fmt.Errorf("%w: not a hint: %w", queue.ErrReject, err)
	} else {
		err = w.wait(ctx, h, message)
	}
	log := w.queue.log.With("topic", string(w.topic), "conversion", string(key(message)))
	switch {
	case errors.Is(err, queue.ErrReject):
		log.ErrorContext(ctx, "hint set aside, it can never be handled", "error", err)
		if !w.setAside(ctx, h, err) {
			return
		}
	case err != nil:
		log.WarnContext(ctx, "hint not handled, the relay will send it again", "error", err)
	}
	h.ack(ctx)
}

// wait returns what the handler does. The broker closes the channel of a consumer that has a message in hand
// for too long: before that the hint is acknowledged, and the conversion lives on its lease.
func (w worker) wait(ctx context.Context, h *hint, message queue.Message) error {
	done := make(chan error, 1)
	go func() { done <- w.run(context.WithoutCancel(ctx), message) }()
	timer := time.NewTimer(w.queue.config.AckAfter)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		h.stop()
		h.ack(ctx)
		return <-done
	}
}

// run calls the handler.
func (w worker) run(ctx context.Context, message queue.Message) error {
	defer func() {
		w.queue.survive(ctx, recover(), "topic", string(w.topic), "conversion", string(key(message)))
	}()
	return w.handler(ctx, message)
}

// survive logs a handler's panic, which is not to end the process. It is told what was recovered, nil for none.
func (q *Queue) survive(ctx context.Context, reason any, about ...any) {
	if reason != nil {
		q.log.With(about...).ErrorContext(ctx, "handler panicked", "error", fmt.Sprint(reason), "stack", string(debug.Stack()))
	}
}

// key is the id that a hint is about: programs of the first version send only the video's.
func key(message queue.Message) conversion.ID {
	if message.ID != "" {
		return message.ID
	}
	return message.VideoID
}
