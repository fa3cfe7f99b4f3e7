package rabbitmq

import (
	"log/slog"
	"sync"
)

// health logs that the broker is lost, or there again: one line a change, however many connections notice and
// however often they try.
type health struct {
	log *slog.Logger

	mu    sync.Mutex
	lost  map[string]error // by link
	known bool             // whether anything was logged yet
}

// report takes down how a link stands: nil is well.
func (h *health) report(link string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := len(h.lost)
	if err == nil {
		delete(h.lost, link)
	} else {
		h.lost[link] = err
	}
	switch now := len(h.lost); {
	case now > 0 && before == 0:
		h.log.Error("queue lost", "connection", link, "error", err)
	case now == 0 && (before > 0 || !h.known):
		h.log.Info("queue connected")
	}
	h.known = true
}
