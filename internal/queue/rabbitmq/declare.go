package rabbitmq

import (
	"errors"
	"fmt"

	"github.com/rabbitmq/amqp091-go"

	"github.com/unreel/unreel/internal/queue"
)

// queues are all that there are: one for the hints of each topic, and one for what was set aside of them.
var queues = []string{
	string(queue.Video), deadQueue(queue.Video),
	string(queue.MP3), deadQueue(queue.MP3),
}

// quorum makes a queue survive the loss of a node. There is no other argument: whatever else an operator
// wants of the queues can be had by policies, and other programs can declare them alike.
var quorum = amqp091.Table{amqp091.QueueTypeArg: amqp091.QueueTypeQuorum}

// deadQueue is where what cannot be handled is set aside.
func deadQueue(topic queue.Topic) string { return string(topic) + ".dead" }

// mismatch says that somebody has made a queue or an exchange otherwise, which setting is concerned and what would
// help. It is the operator's to decide what becomes of it; until then the broker counts as away.
func mismatch(kind, name string, reason error) error {
	return fmt.Errorf("UNREEL_QUEUE: the %s %q on the broker is not as Unreel needs it: %w; "+
		"name another virtual host, or take what it holds out of it and delete it", kind, name, reason)
}

// declare has all queues and the exchange stand.
func declare(e *epoch) error {
	d := &declarer{epoch: e}
	defer d.close()
	for _, name := range queues {
		if err := d.queue(name); err != nil {
			return err
		}
	}
	return d.exchange(exchange)
}

// declarer declares one thing after the other on a channel, which the broker closes at each failure.
type declarer struct {
	epoch   *epoch
	channel *amqp091.Channel
}

func (d *declarer) queue(name string) error {
	return d.ensure("queue", name,
		func(c *amqp091.Channel) error {
			_, err := c.QueueDeclarePassive(name, true, false, false, false, quorum)
			return err
		},
		func(c *amqp091.Channel) error {
			_, err := c.QueueDeclare(name, true, false, false, false, quorum)
			return err
		})
}

func (d *declarer) exchange(name string) error {
	return d.ensure("exchange", name,
		func(c *amqp091.Channel) error {
			return c.ExchangeDeclarePassive(name, amqp091.ExchangeTopic, true, false, false, false, nil)
		},
		func(c *amqp091.Channel) error {
			return c.ExchangeDeclare(name, amqp091.ExchangeTopic, true, false, false, false, nil)
		})
}

// ensure looks first: with no right to declare, what others have made will do. The declaration that follows
// changes nothing where the thing exists, and is how the broker tells that it is another one.
func (d *declarer) ensure(kind, name string, look, create func(*amqp091.Channel) error) error {
	found := d.try(look)
	if found != nil && code(found) != amqp091.NotFound {
		return fmt.Errorf("look for the %s %q: %w", kind, name, found)
	}
	err := d.try(create)
	switch {
	case code(err) == amqp091.PreconditionFailed:
		return mismatch(kind, name, err)
	case err == nil, found == nil && code(err) == amqp091.AccessRefused:
		return nil
	default:
		return fmt.Errorf("declare the %s %q: %w", kind, name, err)
	}
}

func (d *declarer) try(call func(*amqp091.Channel) error) error {
	if d.channel == nil || d.channel.IsClosed() {
		channel, err := d.epoch.connection.Channel()
		if err != nil {
			return err
		}
		d.channel = channel
	}
	return call(d.channel)
}

func (d *declarer) close() {
	if d.channel != nil {
		_ = d.channel.Close() // fails only with the connection
	}
}

// code is the broker's number for an error, 0 if it is none of the broker's.
func code(err error) int {
	if failure, ok := errors.AsType[*amqp091.Error](err); ok {
		return failure.Code
	}
	return 0
}
