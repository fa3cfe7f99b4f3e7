package transcode

import "sync"

// cores shares out what the machine has among runs. A run that is alone gets all, one that comes while they are
// taken gets one: then there are files enough to keep them busy.
type cores struct {
	mu    sync.Mutex
	taken int
}

// take returns how many of all cores a run gets, at least one and at most what it wants, and how to give them back.
func (c *cores) take(all, most int) (count int, giveBack func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	count = max(min(all-c.taken, most), 1)
	c.taken += count
	return count, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.taken -= count
	}
}
