package gateway

import (
	"maps"
	"sync"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/ledger"
)

// maxStreams is how many event streams one owner may have open at a gateway.
const maxStreams = 32

// hub hears every event and hands each to the streams of its owner. It also remembers how far running
// conversions are, which the ledger learns only at every heartbeat.
type hub struct {
	mutex   sync.Mutex
	running map[conversion.ID]conversion.Event
	streams map[string]map[*stream]struct{} // by owner
}

func newHub() *hub {
	return &hub{running: map[conversion.ID]conversion.Event{}, streams: map[string]map[*stream]struct{}{}}
}

// hear takes one event. It never blocks.
func (h *hub) hear(event conversion.Event) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if event.Status == conversion.Converting {
		h.forget(event.At)
		h.running[event.ID] = event
	} else {
		delete(h.running, event.ID)
	}
	for s := range h.streams[event.Owner] {
		s.offer(event)
	}
}

const (
	// maxRunning is how many running conversions are remembered before those that went silent are forgotten.
	maxRunning = 1000
	// silence is how long one that runs is not heard of at the most.
	silence = 5 * time.Minute
)

// forget makes room by dropping what has ended without anyone hearing of it.
func (h *hub) forget(now time.Time) {
	if len(h.running) < maxRunning {
		return
	}
	maps.DeleteFunc(h.running, func(_ conversion.ID, last conversion.Event) bool {
		return now.Sub(last.At) > silence
	})
}

// progress is the newest known progress of a record, from 0 to 1.
func (h *hub) progress(record ledger.Record) float64 {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if heard, ok := h.running[record.ID]; ok && record.Status == conversion.Converting {
		return max(heard.Progress, record.Progress)
	}
	return record.Progress
}

// open adds a stream for an owner's events, of one conversion or, if only is "", of all. It returns nil when
// the owner has too many.
func (h *hub) open(owner string, only conversion.ID) *stream {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if len(h.streams[owner]) >= maxStreams {
		return nil
	}
	if h.streams[owner] == nil {
		h.streams[owner] = map[*stream]struct{}{}
	}
	s := &stream{only: only, ready: make(chan struct{}, 1), pending: map[conversion.ID]conversion.Event{}}
	h.streams[owner][s] = struct{}{}
	return s
}

func (h *hub) close(owner string, s *stream) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	delete(h.streams[owner], s)
	if len(h.streams[owner]) == 0 {
		delete(h.streams, owner)
	}
}

// stream keeps what a slow reader has not yet read: for each conversion only the newest event, so that
// memory is bounded and the reader never lags.
type stream struct {
	only  conversion.ID
	ready chan struct{}

	mutex   sync.Mutex
	order   []conversion.ID
	pending map[conversion.ID]conversion.Event
}

func (s *stream) offer(event conversion.Event) {
	if s.only != "" && s.only != event.ID {
		return
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if _, waiting := s.pending[event.ID]; !waiting {
		s.order = append(s.order, event.ID)
	}
	s.pending[event.ID] = event
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// take returns what has come since the last call, in order.
func (s *stream) take() []conversion.Event {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	events := make([]conversion.Event, 0, len(s.order))
	for _, id := range s.order {
		events = append(events, s.pending[id])
	}
	s.order = s.order[:0]
	clear(s.pending)
	return events
}
