package rabbitmq

import (
	"crypto/rand"
	"fmt"

	"github.com/rabbitmq/amqp091-go"
)

// subscription is a consumer on a channel of its own.
type subscription struct {
	epoch      *epoch
	channel    *amqp091.Channel
	tag        string
	deliveries <-chan amqp091.Delivery // ends with the channel
	closed     <-chan *amqp091.Error
}

// subscribe consumes a queue, which source names, with so many messages in hand.
func (e *epoch) subscribe(window int, source func(*amqp091.Channel) (string, error)) (*subscription, error) {
	s := &subscription{epoch: e, tag: rand.Text()}
	err := e.within(callLimit, func() (err error) {
		if s.channel, err = e.connection.Channel(); err != nil {
			return fmt.Errorf("open a channel: %w", err)
		}
		if err := s.channel.Qos(window, 0, false); err != nil {
			return fmt.Errorf("set the window: %w", err)
		}
		s.closed = s.channel.NotifyClose(make(chan *amqp091.Error, 1))
		name, err := source(s.channel)
		if err != nil {
			return err
		}
		s.deliveries, err = s.channel.Consume(name, s.tag, false, false, false, false, nil)
		return err
	})
	if err != nil {
		return nil, e.why(err)
	}
	return s, nil
}

// end returns why the broker has ended the deliveries, nil if it has not, or not only these.
func (s *subscription) end() error {
	select {
	case err, ok := <-s.closed:
		if ok && !s.epoch.connection.IsClosed() {
			return err
		}
	default:
	}
	return nil
}

// cancel stops the broker from delivering.
func (s *subscription) cancel() {
	// A failure means that the channel has ended, and with it the deliveries.
	_ = s.epoch.within(callLimit, func() error { return s.channel.Cancel(s.tag, false) })
}

// close ends the channel: the broker takes back what was not acknowledged.
func (s *subscription) close() {
	_ = s.epoch.within(closeLimit, s.channel.Close) // fails only with the connection
}
