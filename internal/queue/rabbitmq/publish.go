package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rabbitmq/amqp091-go"

	"github.com/unreel/unreel/internal/queue"
)

var (
	errNoConfirm = errors.New("the broker did not confirm a message in time")
	errRefused   = errors.New("the broker refused the message")
	errTopic     = errors.New("there is no such topic")
)

// Publish hands over one hint: when it returns nil, the broker has it on the disks of most of its nodes.
func (q *Queue) Publish(ctx context.Context, topic queue.Topic, message queue.Message) error {
	if _, ok := types[topic]; !ok {
		return fmt.Errorf("publish to %s: %w", topic, errTopic)
	}
	publishing, err := encode(topic, message)
	if err == nil {
		err = q.send(ctx, string(topic), publishing)
	}
	if err != nil {
		return fmt.Errorf("publish to %s: %w", topic, err)
	}
	return nil
}

// send puts a message into a queue and waits for the confirm.
func (q *Queue) send(ctx context.Context, to string, message amqp091.Publishing) error {
	e, err := q.connected(ctx, q.publishing)
	if err != nil {
		return err
	}
	if err := e.outlet.publish(ctx, to, message); err != nil {
		return unavailable(err)
	}
	return nil
}

// outlet publishes on one epoch: hints one at a time, so that it is plain which message a return or a confirm
// is about.
type outlet struct {
	epoch   *epoch
	limit   time.Duration // of waiting for a confirm
	hints   *amqp091.Channel
	events  *amqp091.Channel
	closed  chan error    // hears why either channel has ended
	turn    chan struct{} // holds a token while somebody publishes
	returns chan amqp091.Return

	// pending is the confirm that did not come while somebody waited for it; nil if there is none.
	pending *amqp091.DeferredConfirmation
}

// openOutlet prepares an epoch for publishing.
func (q *Queue) openOutlet(e *epoch) (err error) {
	if err := declare(e); err != nil {
		return err
	}
	o := &outlet{epoch: e, limit: q.config.ConfirmWait, turn: make(chan struct{}, 1), closed: make(chan error, 2)}
	if o.hints, err = e.connection.Channel(); err != nil {
		return fmt.Errorf("open a channel: %w", err)
	}
	if err := o.hints.Confirm(false); err != nil {
		return fmt.Errorf("ask for confirms: %w", err)
	}
	if o.events, err = e.connection.Channel(); err != nil {
		return fmt.Errorf("open a channel: %w", err)
	}
	// A message is returned before it is confirmed, so there is never more than one in here.
	o.returns = o.hints.NotifyReturn(make(chan amqp091.Return, 1))
	for _, channel := range []*amqp091.Channel{o.hints, o.events} {
		closed := channel.NotifyClose(make(chan *amqp091.Error, 1))
		go func() {
			if err := <-closed; err != nil {
				o.closed <- fmt.Errorf("a channel has ended: %w", err)
			}
		}()
	}
	e.outlet = o
	return nil
}

// publish returns nil when the message is in the queue.
func (o *outlet) publish(ctx context.Context, to string, message amqp091.Publishing) error {
	select {
	case o.turn <- struct{}{}:
		defer func() { <-o.turn }()
	case <-o.epoch.gone:
		return o.epoch.why(nil)
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := o.ready(ctx); err != nil {
		return err
	}
	confirm, err := o.hints.PublishWithDeferredConfirm("", to, true, false, message)
	if err != nil {
		return err
	}
	o.pending = confirm
	returned, err := o.settle(ctx)
	switch {
	case err != nil:
		return err
	case returned != nil:
		// Somebody has deleted the queue: the next epoch begins with making it again.
		err := fmt.Errorf("the queue %q does not take messages: %d %s", to, returned.ReplyCode, returned.ReplyText)
		o.epoch.cut(err)
		return err
	case !confirm.Acked():
		return o.epoch.why(errRefused)
	}
	return nil
}

// ready waits until nothing is left of the message before, which its publisher may have given up.
func (o *outlet) ready(ctx context.Context) error {
	if err := o.epoch.alarm(); err != nil {
		return err
	}
	if o.pending == nil {
		return nil
	}
	_, err := o.settle(ctx)
	return err
}

// settle waits for the pending confirm, and tells whether its message was returned.
func (o *outlet) settle(ctx context.Context) (returned *amqp091.Return, err error) {
	timer := time.NewTimer(o.limit)
	defer timer.Stop()
	select {
	case <-o.pending.Done():
	case <-o.epoch.gone:
		return nil, o.epoch.why(nil)
	case <-o.epoch.whenBlocked():
		return nil, o.epoch.alarm()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
		o.epoch.cut(errNoConfirm)
		return nil, errNoConfirm
	}
	o.pending = nil
	select {
	case message, ok := <-o.returns:
		if ok {
			return &message, nil
		}
	default:
	}
	return nil, nil
}
