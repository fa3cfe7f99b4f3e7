package gateway

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/unreel/unreel/internal/conversion"
)

// arrivals are the pieces of videos that this gateway is taking, one of each upload. The ledger keeps gateways apart; here
// a piece whose line is dead need not hold up the next one until its claim runs out.
type arrivals struct {
	mutex   sync.Mutex
	running map[conversion.ID]*arriving
}

type arriving struct {
	stop  func()
	ended chan struct{}
}

// begin notes a piece, and how to stop it, and returns what to call at its end; false if there is one already.
func (a *arrivals) begin(id conversion.ID, stop func()) (end func(), ok bool) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if a.running[id] != nil {
		return nil, false
	}
	if a.running == nil {
		a.running = map[conversion.ID]*arriving{}
	}
	one := &arriving{stop: stop, ended: make(chan struct{})}
	a.running[id] = one
	return func() {
		a.mutex.Lock()
		defer a.mutex.Unlock()
		delete(a.running, id)
		close(one.ended)
	}, true
}

// interrupt stops the piece of an upload, if there is one, and waits until what has come of it is kept.
func (a *arrivals) interrupt(ctx context.Context, id conversion.ID) {
	a.mutex.Lock()
	one := a.running[id]
	a.mutex.Unlock()
	if one == nil {
		return
	}
	one.stop()
	select {
	case <-one.ended:
	case <-ctx.Done():
	}
}

// interruptAll stops every piece, for a gateway that is about to end: clients go on at another.
func (a *arrivals) interruptAll() {
	a.mutex.Lock()
	all := slices.Collect(maps.Values(a.running))
	a.mutex.Unlock()
	for _, one := range all {
		one.stop()
	}
}
