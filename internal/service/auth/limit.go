package auth

import (
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/unreel/unreel/internal/httpx"
)

const (
	// limitBurst failed log-ins are free, for an address as for a client; each more takes limitInterval.
	limitBurst    = 10
	limitInterval = 6 * time.Second
	// maxLimited is how many addresses and clients are remembered at once.
	maxLimited = 10_000
)

// limiter slows down whoever guesses passwords. A log-in takes a token before the password is looked at,
// so that many guesses at once cannot pass together, and gets it back if the password was right:
// that is what golang.org/x/time/rate has no way to do.
type limiter struct {
	mu sync.Mutex
	// full says for each bucket of tokens when it will be full again; a bucket that is not there is full.
	full map[string]time.Time
}

func newLimiter() *limiter {
	return &limiter{full: make(map[string]time.Time)}
}

// take takes one token from each bucket, or none and returns how long to wait until all have one.
func (l *limiter) take(now time.Time, buckets []string) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, bucket := range buckets {
		if full, found := l.full[bucket]; found {
			wait = max(wait, full.Sub(now)-(limitBurst-1)*limitInterval)
		}
	}
	if wait > 0 {
		return wait
	}
	for _, bucket := range buckets {
		full, found := l.full[bucket]
		if !found {
			l.makeRoom(now)
		}
		if full.Before(now) {
			full = now
		}
		l.full[bucket] = full.Add(limitInterval)
	}
	return 0
}

// giveBack undoes a take.
func (l *limiter) giveBack(buckets []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, bucket := range buckets {
		if full, found := l.full[bucket]; found {
			l.full[bucket] = full.Add(-limitInterval)
		}
	}
}

// makeRoom forgets buckets that are full, and if those are few any others: an eighth of all, so that it is
// not looked for room again soon.
func (l *limiter) makeRoom(now time.Time) {
	if len(l.full) < maxLimited {
		return
	}
	for bucket, full := range l.full {
		if !full.After(now) {
			delete(l.full, bucket)
		}
	}
	for bucket := range l.full {
		if len(l.full) <= maxLimited-maxLimited/8 {
			return
		}
		delete(l.full, bucket)
	}
}

// bucketsOf names the buckets of a log-in. What is not known has none.
func bucketsOf(from, email string) []string {
	var buckets []string
	if email != "" {
		buckets = append(buckets, "address "+email)
	}
	if from != "" {
		buckets = append(buckets, "client "+network(from))
	}
	return buckets
}

// network is what one client can choose its addresses from: with IPv6, 64 bits of them.
func network(from string) string {
	address, err := netip.ParseAddr(from)
	if err != nil || address.Unmap().Is4() {
		return from
	}
	prefix, err := address.WithZone("").Prefix(64)
	if err != nil {
		return from
	}
	return prefix.String()
}

// tooMany is the answer to one log-in too many, with the headers of
// https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/.
func tooMany(wait time.Duration) httpx.Problem {
	seconds := int((wait + time.Second - 1) / time.Second)
	p := httpx.NewProblem(http.StatusTooManyRequests, "too-many-log-ins", "Too many failed log-ins",
		fmt.Sprintf("Too many log-ins have failed. Please try again in %d s.", seconds))
	p.RetryAfter = wait
	p.Header = http.Header{
		"Ratelimit":        {fmt.Sprintf(`"log-in";r=0;t=%d`, seconds)},
		"Ratelimit-Policy": {fmt.Sprintf(`"log-in";q=%d;w=%d`, limitBurst, int((limitBurst * limitInterval).Seconds()))},
	}
	return p
}
