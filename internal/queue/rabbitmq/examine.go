package rabbitmq

import (
	"context"
	"fmt"
	"time"

	"github.com/rabbitmq/amqp091-go"
)

// Report is how a broker stands.
type Report struct {
	Product string // such as "RabbitMQ 3.13.7"
	Version string // such as "3.13.7"
	Queues  []QueueReport
	Alarm   error // why it takes no messages; nil when it does
}

// QueueReport is how one of our queues stands.
type QueueReport struct {
	Name     string
	Missing  bool  // the first service that connects makes it
	Mismatch error // it has other arguments than ours, or cannot be looked at
	Messages int   // that wait
	Readers  int   // that listen
}

// Examine connects once and looks at a broker without changing anything: missing queues stay missing. An error
// means that there was no way to look.
func Examine(ctx context.Context, config Config) (Report, error) {
	if _, err := amqp091.ParseURI(config.URL); err != nil {
		return Report{}, errURL
	}
	config = config.withDefaults()
	e, err := dialer{url: config.URL, name: config.Name + " doctor"}.dial(ctx, func(error) {})
	if err != nil {
		return Report{}, err
	}
	defer e.close()
	stop := context.AfterFunc(ctx, func() { e.cut(ctx.Err()) })
	defer stop()

	report := Report{Version: property(e, "version")}
	report.Product = property(e, "product") + " " + report.Version
	err = e.within(setupLimit, func() error {
		d := &declarer{epoch: e}
		defer d.close()
		for _, name := range queues {
			report.Queues = append(report.Queues, d.examine(name))
		}
		return nil
	})
	if err == nil {
		report.Alarm, err = e.tryPublishing(ctx, config.ConfirmWait)
	}
	if err != nil {
		return Report{}, e.why(err)
	}
	if report.Alarm != nil {
		e.cut(report.Alarm) // nobody would read a farewell
	}
	return report, nil
}

func property(e *epoch, name string) string {
	text, _ := e.connection.Properties[name].(string)
	return text
}

// examine declares a queue only if it is there: then that changes nothing, and tells whether it is as ours are.
func (d *declarer) examine(name string) QueueReport {
	report := QueueReport{Name: name}
	err := d.try(func(c *amqp091.Channel) error {
		found, err := c.QueueDeclarePassive(name, true, false, false, false, quorum)
		report.Messages, report.Readers = found.Messages, found.Consumers
		return err
	})
	if code(err) == amqp091.NotFound {
		report.Missing = true
		return report
	}
	if err == nil {
		err = d.try(func(c *amqp091.Channel) error {
			_, err := c.QueueDeclare(name, true, false, false, false, quorum)
			return err
		})
	}
	if code(err) != amqp091.AccessRefused { // it may be others who declare
		report.Mismatch = err
	}
	return report
}

// tryPublishing sends messages to nobody: a broker tells only those who publish that it takes none. It may confirm the
// first before it has told, but no second one.
func (e *epoch) tryPublishing(ctx context.Context, limit time.Duration) (alarm, err error) {
	channel, err := e.connection.Channel()
	if err == nil {
		err = channel.Confirm(false)
	}
	if err != nil {
		return nil, fmt.Errorf("open a channel: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for range 2 {
		if alarm, err = e.tryOnce(ctx, channel); alarm != nil || err != nil {
			break
		}
	}
	return alarm, err
}

func (e *epoch) tryOnce(ctx context.Context, channel *amqp091.Channel) (alarm, err error) {
	confirm, err := channel.PublishWithDeferredConfirm("", "unreel.doctor", false, false, amqp091.Publishing{})
	if err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	select {
	case <-confirm.Done():
		return nil, nil
	case <-e.whenBlocked():
		return e.alarm(), nil
	case <-e.gone:
		return nil, e.why(nil)
	case <-ctx.Done():
		return errNoConfirm, nil
	}
}
