package faults

import (
	"context"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/mail"
	"github.com/unreel/unreel/internal/queue"
)

// Queue puts the trap around a queue's effects.
func (t *Trap) Queue(hints queue.Queue) queue.Queue { return trappedQueue{hints, t} }

type trappedQueue struct {
	queue.Queue
	trap *Trap
}

// Publish implements queue.Queue.
func (q trappedQueue) Publish(ctx context.Context, topic queue.Topic, message queue.Message) error {
	defer q.trap.leave(q.trap.enter("queue.Publish"))
	return q.Queue.Publish(ctx, topic, message)
}

// Consume implements queue.Queue. A hint is settled once its handler has returned.
func (q trappedQueue) Consume(ctx context.Context, topic queue.Topic, slots int, handler queue.Handler) error {
	return q.Queue.Consume(ctx, topic, slots, func(ctx context.Context, message queue.Message) error {
		defer q.trap.leave(q.trap.enter("queue.Handle"))
		return handler(ctx, message)
	})
}

// Announce implements queue.Queue.
func (q trappedQueue) Announce(ctx context.Context, event conversion.Event) error {
	defer q.trap.leave(q.trap.enter("queue.Announce"))
	return q.Queue.Announce(ctx, event)
}

// Mail puts the trap around the sending of mail.
func (t *Trap) Mail(sender mail.Sender) mail.Sender { return trappedMail{sender, t} }

type trappedMail struct {
	mail.Sender
	trap *Trap
}

// Send implements mail.Sender.
func (m trappedMail) Send(ctx context.Context, message mail.Message) error {
	defer m.trap.leave(m.trap.enter("mail.Send"))
	return m.Sender.Send(ctx, message)
}
