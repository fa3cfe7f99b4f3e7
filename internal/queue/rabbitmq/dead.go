package rabbitmq

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rabbitmq/amqp091-go"

	"github.com/unreel/unreel/internal/queue"
)

// What is added to the headers of a message that is set aside.
const (
	reasonHeader = "unreel-reason" // why, in words
	timeHeader   = "unreel-time"   // when
)

// brokerHeaders are added by the broker to what it delivers, and mean nothing in another queue.
var brokerHeaders = []string{"x-delivery-count", "x-acquired-count"}

// maxReason bounds the reason in bytes: a header must fit into one frame.
const maxReason = 1000

// setAside moves a hint to the dead ones: only when the broker has it there may it be acknowledged here. It
// tries until that is so, false if the hint has to be taken back.
func (w worker) setAside(ctx context.Context, h *hint, reason error) bool {
	message := copyOf(h.Delivery)
	if message.MessageId == "" {
		message.MessageId = rand.Text()
	}
	text := reason.Error()
	message.Headers[reasonHeader] = strings.ToValidUTF8(text[:min(maxReason, len(text))], "")
	message.Headers[timeHeader] = time.Now()
	for failures := 0; ; failures++ {
		err := w.queue.send(context.WithoutCancel(ctx), deadQueue(w.topic), message)
		if err == nil {
			return true
		}
		select {
		case <-ctx.Done():
		case <-h.from.epoch.gone:
		case <-time.After(pause(failures)):
			continue
		}
		w.queue.log.WarnContext(ctx, "hint not set aside, it comes again", "topic", string(w.topic), "error", err)
		return false
	}
}

// copyOf makes a message to publish of one that was received. It leaves out what would have it expire, and the
// name of the sender's account, which the broker accepts only from the sender.
func copyOf(d amqp091.Delivery) amqp091.Publishing {
	headers := maps.Clone(d.Headers)
	if headers == nil {
		headers = amqp091.Table{}
	}
	for _, name := range brokerHeaders {
		delete(headers, name)
	}
	return amqp091.Publishing{
		Headers:         headers,
		ContentType:     d.ContentType,
		ContentEncoding: d.ContentEncoding,
		DeliveryMode:    amqp091.Persistent,
		Priority:        d.Priority,
		CorrelationId:   d.CorrelationId,
		ReplyTo:         d.ReplyTo,
		MessageId:       d.MessageId,
		Timestamp:       d.Timestamp,
		Type:            d.Type,
		AppId:           d.AppId,
		Body:            d.Body,
	}
}

// Depths implements queue.DeadLetters.
func (q *Queue) Depths(ctx context.Context) (map[string]int, error) {
	depths := map[string]int{}
	err := q.operate(ctx, func(e *epoch, channel *amqp091.Channel) error {
		return e.within(callLimit, func() error {
			for _, name := range queues {
				state, err := channel.QueueDeclarePassive(name, true, false, false, false, quorum)
				if err != nil {
					return err
				}
				depths[name] = state.Messages
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("depths: %w", err)
	}
	return depths, nil
}

// Dead implements queue.DeadLetters. To the broker each look is a delivery that failed: where a policy, or
// RabbitMQ 4 without one, limits those, a message that is looked at too often is gone.
func (q *Queue) Dead(ctx context.Context, topic queue.Topic, limit int) (letters []queue.DeadLetter, err error) {
	// All are taken in hand, however few are wanted: the broker puts what it gets back behind what it still has.
	err = q.each(ctx, topic, func(d amqp091.Delivery) error {
		if limit == 0 || len(letters) < limit {
			letters = append(letters, letter(topic, d))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("dead letters of %s: %w", topic, err)
	}
	return letters, nil
}

func letter(topic queue.Topic, d amqp091.Delivery) queue.DeadLetter {
	reason, _ := d.Headers[reasonHeader].(string)
	at, _ := d.Headers[timeHeader].(time.Time)
	if reason == "" { // set aside by the broker, as a policy told it
		reason, _ = d.Headers["x-first-death-reason"].(string)
	}
	return queue.DeadLetter{ID: d.MessageId, Topic: topic, Reason: reason, At: at, Body: d.Body}
}

// Replay implements queue.DeadLetters.
func (q *Queue) Replay(ctx context.Context, topic queue.Topic, ids ...string) (replayed int, err error) {
	err = q.each(ctx, topic, func(d amqp091.Delivery) error {
		if len(ids) > 0 && !slices.Contains(ids, d.MessageId) {
			return nil
		}
		message := copyOf(d)
		delete(message.Headers, reasonHeader)
		delete(message.Headers, timeHeader)
		if err := q.send(ctx, string(topic), message); err != nil {
			return err
		}
		if err := d.Ack(false); err != nil {
			return unavailable(err)
		}
		replayed++
		return nil
	})
	if err != nil {
		return replayed, fmt.Errorf("replay %s: %w", topic, err)
	}
	return replayed, nil
}

// each calls a function with the dead letters of a topic, each once. What it does not acknowledge goes
// back to its place.
func (q *Queue) each(ctx context.Context, topic queue.Topic, function func(amqp091.Delivery) error) error {
	if _, ok := types[topic]; !ok {
		return errTopic
	}
	return q.operate(ctx, func(e *epoch, channel *amqp091.Channel) error {
		// All stay in hand until the channel is closed, so none comes twice; what is new by then is not for us.
		for left := 1; left > 0; {
			delivery, ok, err := get(ctx, e, channel, deadQueue(topic))
			if err != nil || !ok {
				return err
			}
			if err := function(delivery); err != nil {
				return err
			}
			if delivery.DeliveryTag == 1 {
				left += int(delivery.MessageCount)
			}
			left--
		}
		return nil
	})
}

// get takes one message in hand; false if there is none.
func get(ctx context.Context, e *epoch, channel *amqp091.Channel, name string) (d amqp091.Delivery, ok bool, err error) {
	if err := ctx.Err(); err != nil {
		return d, false, err
	}
	err = e.within(callLimit, func() (err error) {
		d, ok, err = channel.Get(name, false)
		return err
	})
	return d, ok, err
}

// operate runs calls on a channel of their own. A broker that does not answer ends with the connection.
func (q *Queue) operate(ctx context.Context, calls func(*epoch, *amqp091.Channel) error) error {
	link, err := q.consumer()
	if err != nil {
		return err
	}
	e, err := q.connected(ctx, link)
	if err != nil {
		return err
	}
	var channel *amqp091.Channel
	err = e.within(callLimit, func() (err error) {
		channel, err = e.connection.Channel()
		return err
	})
	if err != nil {
		return unavailable(e.why(err))
	}
	defer func() { _ = e.within(callLimit, channel.Close) }()
	err = calls(e, channel)
	if code(err) != 0 || errors.Is(err, amqp091.ErrClosed) {
		return unavailable(e.why(err))
	}
	return err
}
