// Package rabbitmq is the queue of a cluster: hints travel through durable quorum queues, events through an
// exchange to everybody who listens.
//
// The broker may be away at any time. A connection is used until it breaks and then replaced, for ever; nothing
// that belongs to one, be it a channel, a delivery or a confirm, is ever used on the next, since the broker
// counts deliveries anew there and an acknowledgement would hit some other message. What was not
// acknowledged comes again.
//
// api/asyncapi.yaml describes the queues, the exchange and every message.
package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/rabbitmq/amqp091-go"

	"github.com/unreel/unreel/internal/queue"
	"github.com/unreel/unreel/internal/store"
)

// Config is what a Queue needs to know. Only the URL has no default.
type Config struct {
	// URL is amqp://user:password@host:5672/vhost, or amqps:// for TLS. Parameters are those of
	// https://www.rabbitmq.com/docs/uri-query-parameters.
	URL string
	// Name is shown by the broker beside our connections.
	Name string
	// AckAfter is how long a handler may run before its hint is acknowledged all the same. It must be less than
	// the broker's consumer_timeout, 30 minutes unless configured otherwise. Default: 15 minutes.
	AckAfter time.Duration
	// ConnectWait is how long Publish and the like wait for a connection. Default: 5 s.
	ConnectWait time.Duration
	// ConfirmWait is how long the broker may take to confirm a message. Default: 10 s.
	ConfirmWait time.Duration
}

func (c Config) withDefaults() Config {
	if c.Name == "" {
		c.Name = "unreel"
	}
	for _, field := range []struct {
		value     *time.Duration
		otherwise time.Duration
	}{
		{&c.AckAfter, 15 * time.Minute},
		{&c.ConnectWait, 5 * time.Second},
		{&c.ConfirmWait, 10 * time.Second},
	} {
		if *field.value == 0 {
			*field.value = field.otherwise
		}
	}
	return c
}

var (
	errClosed = errors.New("the queue is closed")
	// errURL does not say what is wrong with a URL: the reasons of its parser show parts of the password.
	errURL = errors.New("must be amqp://USER:PASSWORD@HOST:5672/VHOST or amqps://…, with special characters in the user and the password percent-encoded")
)

// Queue carries hints and events over a broker. It may be used concurrently.
type Queue struct {
	config Config
	log    *slog.Logger
	// Apart, since a broker that runs short of memory stops reading from connections that publish.
	publishing *link
	consuming  *link
	events     chan announcement // on their way out

	mu      sync.Mutex
	closed  bool
	listen  func() // starts the consuming link
	stop    context.CancelFunc
	running sync.WaitGroup
}

var (
	_ queue.Queue       = (*Queue)(nil)
	_ queue.DeadLetters = (*Queue)(nil)
)

// New makes a Queue that connects in the background; Check tells when it stands. Only a URL that cannot be
// parsed is an error, which does not show the URL.
func New(config Config, log *slog.Logger) (*Queue, error) {
	if _, err := amqp091.ParseURI(config.URL); err != nil {
		return nil, errURL
	}
	q := &Queue{config: config.withDefaults(), log: log, events: make(chan announcement, backlog)}
	health := &health{log: log, lost: map[string]error{}}
	q.publishing = newLink(q.dialer("publish"), "publish", health, q.openOutlet, q.forward)
	q.consuming = newLink(q.dialer("consume"), "consume", health, declare, rest)

	ctx, stop := context.WithCancel(context.Background())
	q.stop = stop
	q.listen = sync.OnceFunc(func() { q.running.Go(func() { q.consuming.run(ctx) }) })
	q.running.Go(func() { q.publishing.run(ctx) })
	return q, nil
}

func (q *Queue) dialer(purpose string) dialer {
	return dialer{url: q.config.URL, name: q.config.Name + " " + purpose}
}

// Check returns nil when hints can be sent: the connection stands, the queues are there and the broker takes
// messages.
func (q *Queue) Check(context.Context) error {
	e, err := q.publishing.now()
	if err != nil {
		return fmt.Errorf("rabbitmq: %w", err)
	}
	if err := e.alarm(); err != nil {
		return fmt.Errorf("rabbitmq: %w", err)
	}
	return nil
}

// Close ends the connections and waits for what runs on them.
func (q *Queue) Close() error {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.stop()
	q.running.Wait()
	return nil
}

// consumer returns the link for consuming, which is only started when somebody needs it.
func (q *Queue) consumer() (*link, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, errClosed
	}
	q.listen()
	return q.consuming, nil
}

// connected waits for a link, but not for long.
func (q *Queue) connected(ctx context.Context, l *link) (*epoch, error) {
	ctx, cancel := context.WithTimeout(ctx, q.config.ConnectWait)
	defer cancel()
	e, err := l.wait(ctx)
	if err != nil {
		return nil, unavailable(err)
	}
	return e, nil
}

// unavailable tells a caller that asking again later may help.
func unavailable(err error) error {
	return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
}
