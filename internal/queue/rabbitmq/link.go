package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// minPause and maxPause bound how long a link waits before it dials again.
	minPause = 100 * time.Millisecond
	maxPause = 5 * time.Second
	// setupLimit is how long the broker may take to have the queues stand. It is long enough to elect leaders.
	setupLimit = 30 * time.Second
)

// link is a connection that comes back: one epoch follows the other.
type link struct {
	dialer  dialer
	name    string // in logs
	health  *health
	prepare func(*epoch) error                  // before an epoch is used
	serve   func(context.Context, *epoch) error // while it is used; returns when it can be used no more

	mu    sync.Mutex
	state state
}

// state is how a link stands.
type state struct {
	epoch   *epoch        // nil while there is none
	err     error         // why there is none
	changed chan struct{} // closed when this is no more the state
}

var errConnecting = errors.New("still connecting")

func newLink(dialer dialer, name string, health *health, prepare func(*epoch) error, serve func(context.Context, *epoch) error) *link {
	return &link{
		dialer: dialer, name: name, health: health, prepare: prepare, serve: serve,
		state: state{err: errConnecting, changed: make(chan struct{})},
	}
}

// run connects, again and again, until the context ends.
func (l *link) run(ctx context.Context) {
	defer l.set(nil, errClosed)
	for failures := 0; ctx.Err() == nil; failures++ {
		began := time.Now()
		err := l.live(ctx)
		if ctx.Err() != nil {
			return
		}
		l.down(err)
		if time.Since(began) > setupLimit {
			failures = 0 // it stood for a while
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause(failures)):
		}
	}
}

// live is one epoch. It returns why it ended.
func (l *link) live(ctx context.Context) error {
	e, err := l.dialer.dial(ctx, func(err error) { l.health.report(l.name, err) })
	if err != nil {
		return err
	}
	defer e.close()
	stop := context.AfterFunc(ctx, func() { e.cut(errClosed) })
	err = e.within(setupLimit, func() error { return l.prepare(e) })
	if !stop() || err != nil {
		return e.why(err)
	}
	l.set(e, nil)
	l.health.report(l.name, nil)
	return e.why(l.serve(ctx, e))
}

// rest lets an epoch be used by others until it ends.
func rest(ctx context.Context, e *epoch) error {
	select {
	case <-ctx.Done():
		return nil
	case <-e.gone:
		return nil
	}
}

func (l *link) down(err error) {
	l.set(nil, err)
	l.health.report(l.name, err)
}

// set changes the state and wakes all who wait for that.
func (l *link) set(e *epoch, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.state.changed)
	l.state = state{epoch: e, err: err, changed: make(chan struct{})}
}

// now returns the epoch that stands, or why none does.
func (l *link) now() (*epoch, error) {
	now := l.look()
	return now.epoch, now.err
}

func (l *link) look() state {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.state
	if e := now.epoch; e != nil && e.over() { // run has not noticed yet
		now.epoch, now.err = nil, e.why(nil)
	}
	return now
}

// wait returns the epoch that stands as soon as one does. When the context or the queue ends, it says why none
// does.
func (l *link) wait(ctx context.Context) (*epoch, error) {
	for {
		now := l.look()
		if now.epoch != nil || errors.Is(now.err, errClosed) {
			return now.epoch, now.err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("not connected: %w", now.err)
		case <-now.changed:
		}
	}
}

// use runs a function on every epoch until the context ends. The function returns nil to be run anew, and an
// error when the epoch is of no use to it, which ends the epoch: the next one has everything set up again.
func (l *link) use(ctx context.Context, function func(context.Context, *epoch) error) error {
	for ctx.Err() == nil {
		e, err := l.wait(ctx)
		if err == nil {
			err = function(ctx, e)
		}
		switch {
		case err == nil, ctx.Err() != nil:
		case e == nil:
			return err
		default:
			e.cut(err)
			<-e.gone
		}
	}
	return nil
}

// pause is how long to wait after so many failures: about twice as long each time, and no two processes alike.
func pause(failures int) time.Duration {
	most := maxPause
	if failures < 10 {
		most = min(maxPause, minPause<<failures)
	}
	return most/2 + rand.N(most/2)
}
