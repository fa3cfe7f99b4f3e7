package gateway

import (
	"errors"
	"sync"
)

var (
	// errBusy says that as many uploads are running as this gateway takes.
	errBusy = errors.New("too many uploads at once")
	// errOwnBusy says that as many uploads of one owner are running as it takes of one.
	errOwnBusy = errors.New("too many uploads of one owner at once")
)

// places are taken by uploads while their bytes arrive, since each costs memory and a connection. A part of them nobody can
// take alone: who sends a little now and then on as many lines as there are would keep everybody else out.
type places struct {
	all, own int // how many there are, and how many one owner may have

	mu    sync.Mutex
	taken map[string]int // by owner
	sum   int
}

func newPlaces(all int) *places {
	const forOthers = 8 // one in so many
	return &places{all: all, own: all - all/forOthers, taken: map[string]int{}}
}

// take takes a place, and returns what gives it back.
func (p *places) take(owner string) (leave func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.sum >= p.all:
		return nil, errBusy
	case p.taken[owner] >= p.own:
		return nil, errOwnBusy
	}
	p.sum++
	p.taken[owner]++
	return func() { p.leave(owner) }, nil
}

func (p *places) leave(owner string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sum--
	p.taken[owner]--
	if p.taken[owner] == 0 {
		delete(p.taken, owner)
	}
}
