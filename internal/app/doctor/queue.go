package doctor

import (
	"context"
	"errors"
	"strings"

	"github.com/rabbitmq/amqp091-go"

	"github.com/unreel/unreel/internal/queue/rabbitmq"
)

// Queue looks at the broker.
func Queue(url string) Check {
	return func(ctx context.Context) []Finding {
		c := &chart{setting: "UNREEL_QUEUE"}
		if strings.HasPrefix(url, "local:") {
			c.ok("hints stay in the process")
			return c.findings
		}
		report, err := rabbitmq.Examine(ctx, rabbitmq.Config{URL: url})
		if err != nil {
			c.refusedByBroker(err)
			return c.findings
		}
		c.examineBroker(report)
		for _, queue := range report.Queues {
			c.examineQueue(queue)
		}
		return c.findings
	}
}

func (c *chart) refusedByBroker(err error) {
	refusal, refused := errors.AsType[*amqp091.Error](err)
	switch {
	case errors.Is(err, amqp091.ErrCredentials), refused && refusal.Code == amqp091.AccessRefused:
		c.fail("correct the user and the password in the URL, or make the account: rabbitmqctl add_user and set_permissions",
			"the broker does not take the log-in or gives it no rights")
	case errors.Is(err, amqp091.ErrVhost), refused && refusal.Code == amqp091.NotAllowed:
		c.fail("make the virtual host (rabbitmqctl add_vhost) and give the account its rights there (set_permissions), or correct it in the URL",
			"the broker has no such virtual host for this account")
	default:
		c.unreachable(err, "write amqp://user:password@host:5672/vhost and look into the broker's log")
	}
}

func (c *chart) examineBroker(report rabbitmq.Report) {
	if older(versionNumbers.FindStringSubmatch(report.Version), 3, 10) {
		c.fail("use RabbitMQ 3.10 or newer", "%s is too old for how quorum queues are used here", report.Product)
	} else {
		c.ok("%s", report.Product)
	}
	if report.Alarm != nil {
		c.fail("give the broker memory or disk, see rabbitmq-diagnostics alarms; until then uploads are taken and wait", "%v", report.Alarm)
	} else {
		c.ok("it takes messages")
	}
}

func (c *chart) examineQueue(queue rabbitmq.QueueReport) {
	switch {
	case queue.Missing:
		c.ok("the queue %s is made by the first service that connects", queue.Name)
	case queue.Mismatch != nil:
		c.fail("name another virtual host, or take what it holds out of it and delete it",
			"the queue %s is not as Unreel needs it: %v", queue.Name, queue.Mismatch)
	case strings.HasSuffix(queue.Name, ".dead") && queue.Messages > 0:
		c.warn("unreel queue list shows them, unreel queue replay sends them once more", "%d messages are set aside in %s", queue.Messages, queue.Name)
	default:
		c.ok("the queue %s: %d waiting, %d listening", queue.Name, queue.Messages, queue.Readers)
	}
}
