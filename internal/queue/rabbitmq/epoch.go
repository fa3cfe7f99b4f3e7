package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/rabbitmq/amqp091-go"
)

const (
	// dialLimit is how long a connection may take to come to stand.
	dialLimit = 10 * time.Second
	// heartbeat is how often each side shows that it lives; three missed ones are the end.
	heartbeat = 10 * time.Second
	// writeLimit is how long the network may refuse to take what we write.
	writeLimit = 10 * time.Second
	// callLimit is how long the broker may take to answer.
	callLimit = 10 * time.Second
	// closeLimit is how long it may take to answer that we leave.
	closeLimit = 5 * time.Second
)

// dialer opens connections to one broker.
type dialer struct {
	url  string
	name string // for the broker to show
}

// dial opens a connection. The library's own recovery stays off: it reuses channels, on which the broker
// counts deliveries anew. onAlarm hears that the broker stops and, with nil, starts to take messages.
func (d dialer) dial(ctx context.Context, onAlarm func(error)) (*epoch, error) {
	properties := amqp091.NewConnectionProperties()
	properties.SetClientConnectionName(d.name)
	e := &epoch{gone: make(chan struct{}), blocked: make(chan struct{}), onAlarm: onAlarm}
	stop := func() bool { return true }
	var err error
	e.connection, err = amqp091.DialConfig(d.url, amqp091.Config{
		Properties: properties,
		Heartbeat:  heartbeat,
		Dial: func(network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{Timeout: dialLimit}).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			e.wire = wire{conn}
			stop = context.AfterFunc(ctx, func() { _ = conn.Close() }) // it may have ended
			// For the handshake; the library lifts it.
			return e.wire, conn.SetDeadline(time.Now().Add(dialLimit))
		},
	})
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		if e.wire != nil {
			_ = e.wire.Close() // what went wrong is known
		}
		return nil, fmt.Errorf("connect: %w", err)
	}
	closed := e.connection.NotifyClose(make(chan *amqp091.Error, 1))
	go e.watch(closed, e.connection.NotifyBlocked(make(chan amqp091.Blocking, 1)))
	return e, nil
}

// wire bounds every write. The library has no such limit and holds locks while it writes that it needs for
// giving up.
type wire struct{ net.Conn }

// Write writes within writeLimit.
func (w wire) Write(p []byte) (int, error) {
	if err := w.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return 0, err
	}
	return w.Conn.Write(p)
}

// epoch is one connection, from its start to its end. What belongs to it ends with it.
type epoch struct {
	connection *amqp091.Connection
	wire       net.Conn
	outlet     *outlet       // nil where nothing is published
	gone       chan struct{} // closed when the connection has ended
	onAlarm    func(error)

	mu      sync.Mutex
	cause   error         // why it ended, or has to
	alarmed error         // why the broker takes no messages; nil when it does
	blocked chan struct{} // closed while it takes none
}

// watch follows what the broker says about the connection until that has ended.
func (e *epoch) watch(closed <-chan *amqp091.Error, blocked <-chan amqp091.Blocking) {
	for blocking := range blocked {
		e.setAlarm(blocking)
	}
	if err, ok := <-closed; ok {
		e.fail(err)
	}
	close(e.gone)
}

func (e *epoch) setAlarm(blocking amqp091.Blocking) {
	e.mu.Lock()
	changed := blocking.Active != (e.alarmed != nil)
	switch {
	case changed && blocking.Active:
		e.alarmed = fmt.Errorf("the broker takes no messages: %s", blocking.Reason)
		close(e.blocked)
	case changed:
		e.alarmed = nil
		e.blocked = make(chan struct{})
	}
	err := e.alarmed
	e.mu.Unlock()
	if changed {
		e.onAlarm(err)
	}
}

// alarm returns why the broker takes no messages, nil when it does.
func (e *epoch) alarm() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.alarmed
}

// whenBlocked returns a channel that is closed when the broker takes no messages.
func (e *epoch) whenBlocked() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.blocked
}

// fail notes why the epoch ends: the first reason counts.
func (e *epoch) fail(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cause == nil {
		e.cause = err
	}
}

// cut ends the epoch at once.
func (e *epoch) cut(cause error) {
	e.fail(cause)
	_ = e.wire.Close() // it may have ended
}

// over tells whether the epoch has ended, or is about to.
func (e *epoch) over() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	select {
	case <-e.gone:
		return true
	default:
		return e.cause != nil
	}
}

// why returns the reason for the epoch's end, and what was noticed of it if there is no better one.
func (e *epoch) why(noticed error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.cause != nil:
		return e.cause
	case noticed != nil:
		return noticed
	default:
		return amqp091.ErrClosed
	}
}

// close says goodbye, and returns when nothing of the epoch is left.
func (e *epoch) close() {
	// The library's own limit is put off by each heartbeat of a broker that is there and does not answer: one that
	// takes no messages leaves those who publish without.
	timer := time.AfterFunc(closeLimit, func() { _ = e.wire.Close() })
	defer timer.Stop()
	// That it fails means that the connection has ended before.
	_ = e.connection.CloseDeadline(time.Now().Add(closeLimit))
	<-e.gone
}

var errNoAnswer = errors.New("the broker does not answer")

// within runs calls that wait for the broker's answer, and ends the epoch when that does not come.
func (e *epoch) within(limit time.Duration, calls func() error) error {
	timer := time.AfterFunc(limit, func() { e.cut(errNoAnswer) })
	defer timer.Stop()
	return calls()
}
