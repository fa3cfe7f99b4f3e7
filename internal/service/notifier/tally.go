package notifier

import "sync"

// callsOfOwner is how many calls one owner has at once: addresses that never answer must not keep those of others waiting.
const callsOfOwner = 4

// tally counts the calls that are under way, by owner.
type tally struct {
	mutex   sync.Mutex
	running map[string]int
}

func (t *tally) begin(owner string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.running[owner]++
}

// end tells whether the owner has room for another call now and had none.
func (t *tally) end(owner string) (freed bool) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.running[owner]--
	count := t.running[owner]
	if count == 0 {
		delete(t.running, owner)
	}
	return count == callsOfOwner-1
}

// full are the owners who have no room.
func (t *tally) full() (owners []string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for owner, count := range t.running {
		if count >= callsOfOwner {
			owners = append(owners, owner)
		}
	}
	return owners
}
