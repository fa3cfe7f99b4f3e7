package rabbitmq

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rabbitmq/amqp091-go"

	"github.com/unreel/unreel/internal/conversion"
)

const (
	// exchange is where events go. An event's routing key is its status and its conversion's id.
	exchange = "unreel.events"
	// backlog is how many events wait to go out.
	backlog = 1024
	// subscriberBacklog is how many wait at the broker for one subscriber that is slow; the oldest go first.
	subscriberBacklog = 10_000
	// eventLife is how long they wait there.
	eventLife = time.Minute
	// eventWindow is how many the broker sends ahead.
	eventWindow = 256
)

// errBusy says that events come faster than they go out.
var errBusy = errors.New("too many events wait to go out")

// announcement is an event ready to be sent.
type announcement struct {
	key     string
	message amqp091.Publishing
}

// Announce leaves the event to be sent as soon as possible, if the broker is there.
func (q *Queue) Announce(ctx context.Context, event conversion.Event) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := q.Check(ctx); err != nil {
		return fmt.Errorf("announce: %w", unavailable(err))
	}
	body, err := json.Marshal(event)
	if err != nil {
		return fmt.Errorf("announce: %w", err)
	}
	a := announcement{string(event.Status) + "." + string(event.ID), amqp091.Publishing{
		DeliveryMode: amqp091.Transient,
		ContentType:  contentType,
		MessageId:    rand.Text(),
		Type:         typeEvent,
		Timestamp:    time.Now(),
		Body:         body,
	}}
	select {
	case q.events <- a:
		return nil
	default:
		return fmt.Errorf("announce: %w", unavailable(errBusy))
	}
}

// forward sends events while the epoch lasts, all on one channel, which keeps them in order. It also
// notices when the broker ends a channel.
func (q *Queue) forward(ctx context.Context, e *epoch) error {
	for {
		select {
		case <-ctx.Done():
			return q.flush(e.outlet)
		case <-e.gone:
			return nil
		case err := <-e.outlet.closed:
			return err
		case a := <-q.events:
			if err := e.outlet.announce(a); err != nil {
				return err
			}
		}
	}
}

// flush sends what was announced before the end.
func (q *Queue) flush(o *outlet) error {
	for {
		select {
		case a := <-q.events:
			if err := o.announce(a); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

func (o *outlet) announce(a announcement) error {
	if err := o.events.Publish(exchange, a.key, false, false, a.message); err != nil {
		return fmt.Errorf("announce: %w", err)
	}
	return nil
}

// Subscribe hands events to the handler, from now on. What is announced while the connection is lost is lost.
func (q *Queue) Subscribe(ctx context.Context, handler func(conversion.Event)) error {
	link, err := q.consumer()
	if err == nil {
		err = link.use(ctx, func(ctx context.Context, e *epoch) error { return q.hear(ctx, e, handler) })
	}
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	return nil
}

// hear listens for as long as an epoch's channel lasts.
func (q *Queue) hear(ctx context.Context, e *epoch, handler func(conversion.Event)) error {
	s, err := e.subscribe(eventWindow, bindEvents)
	if err != nil {
		return fmt.Errorf("listen to %s: %w", exchange, err)
	}
	defer s.close()
	for {
		select {
		case <-ctx.Done():
			return nil
		case delivery, ok := <-s.deliveries:
			if !ok || ctx.Err() != nil {
				return nil
			}
			q.tell(ctx, delivery.Body, handler)
			// A failure shows as the end of the deliveries.
			_ = delivery.Ack(false)
		}
	}
}

// bindEvents makes a queue that lives as long as the connection, and no longer than it may grow.
func bindEvents(channel *amqp091.Channel) (string, error) {
	mine, err := channel.QueueDeclare("", false, true, true, false, amqp091.Table{
		amqp091.QueueTypeArg:       amqp091.QueueTypeClassic,
		amqp091.QueueMaxLenArg:     subscriberBacklog,
		amqp091.QueueOverflowArg:   amqp091.QueueOverflowDropHead,
		amqp091.QueueMessageTTLArg: eventLife.Milliseconds(),
	})
	if err != nil {
		return "", err
	}
	return mine.Name, channel.QueueBind(mine.Name, "#", exchange, false, nil)
}

func (q *Queue) tell(ctx context.Context, body []byte, handler func(conversion.Event)) {
	var event conversion.Event
	if err := json.Unmarshal(body, &event); err != nil {
		q.log.WarnContext(ctx, "event not understood", "error", err)
		return
	}
	defer func() { q.survive(ctx, recover(), "conversion", string(event.ID)) }()
	handler(event)
}
