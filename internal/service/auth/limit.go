package auth

import (
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/unreel/unreel/internal/httpx"
)

// maxLimited is how many addresses and clients are remembered at once, for each quota.
const maxLimited = 10_000

// quota is how much of something is free: burst at once, for an address as for a client, and one more each interval.
type quota struct {
	name     string // in headers
	burst    int
	interval time.Duration
	slug     string // of the problem
	title    string
	reason   string
}

// logIns are for failed log-ins only.
var logIns = quota{
	name: "log-in", burst: 10, interval: 6 * time.Second,
	slug: "too-many-log-ins", title: "Too many failed log-ins", reason: "Too many log-ins have failed.",
}

// signUps are for new accounts, and for answers that tell whether an address has one. Many people may share a
// client's address: there is room for a class or an office that begins together.
var signUps = quota{
	name: "sign-up", burst: 30, interval: 20 * time.Second,
	slug: "too-many-sign-ups", title: "Too many sign-ups", reason: "Too many accounts were asked for from here.",
}

// addresses are for accounts that want another address, since the answer tells whether that has an account.
var addresses = quota{
	name: "address", burst: 30, interval: 20 * time.Second,
	slug: "too-many-addresses", title: "Too many addresses", reason: "Too many addresses were tried from here.",
}

// refreshes are for refresh tokens that are not good. Nobody can guess one, but each costs a look into the database.
var refreshes = quota{
	name: "refresh", burst: 30, interval: 2 * time.Second,
	slug: "too-many-refreshes", title: "Too many failed refreshes", reason: "Too many refresh tokens were not valid.",
}

// apiKeys are for API keys that are not good, for the same reason.
var apiKeys = quota{
	name: "api-key", burst: 30, interval: 2 * time.Second,
	slug: "too-many-api-keys-refused", title: "Too many wrong API keys", reason: "Too many API keys were not valid.",
}

// asked are for mails that clients ask for, mailed for those that an address gets.
var (
	asked = quota{
		name: "mail", burst: 30, interval: 20 * time.Second,
		slug: "too-many-mails", title: "Too many mails", reason: "Too many mails were asked for from here.",
	}
	mailed = quota{
		name: "mail-to", burst: 3, interval: 10 * time.Minute,
		slug: "too-many-mails", title: "Too many mails", reason: "Mails were asked for to this address just now: look there, and in what it takes for spam.",
	}
)

// reminders are for mails that a log-in sends since the address is not confirmed. Nobody is told of this limit.
var reminders = quota{burst: 1, interval: time.Minute}

// links are for tokens from mails that are not good, as refreshes are for theirs.
var links = quota{
	name: "link", burst: 30, interval: 2 * time.Second,
	slug: "too-many-links", title: "Too many wrong links", reason: "Too many links were not valid.",
}

// limiter slows down whoever guesses or floods. An attempt takes a token before it is looked at, so that many at
// once cannot pass together, and gets it back if it was none of those that are limited: that is what
// golang.org/x/time/rate has no way to do. A nil limiter has no limits.
type limiter struct {
	quota quota

	mu sync.Mutex
	// full says for each bucket of tokens when it will be full again; a bucket that is not there is full.
	full map[string]time.Time
}

func newLimiter(quota quota) *limiter {
	return &limiter{quota: quota, full: make(map[string]time.Time)}
}

// take takes one token from each bucket, or none and returns how long to wait until all have one.
func (l *limiter) take(now time.Time, buckets []string) (wait time.Duration) {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, bucket := range buckets {
		if full, found := l.full[bucket]; found {
			wait = max(wait, full.Sub(now)-time.Duration(l.quota.burst-1)*l.quota.interval)
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
		l.full[bucket] = full.Add(l.quota.interval)
	}
	return 0
}

// giveBack undoes a take.
func (l *limiter) giveBack(buckets []string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, bucket := range buckets {
		if full, found := l.full[bucket]; found {
			l.full[bucket] = full.Add(-l.quota.interval)
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

// tooMany is the answer to one attempt too many, with the headers of
// https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/.
func (q quota) tooMany(wait time.Duration) httpx.Problem {
	seconds := int((wait + time.Second - 1) / time.Second)
	window := time.Duration(q.burst) * q.interval
	p := httpx.NewProblem(http.StatusTooManyRequests, q.slug, q.title,
		fmt.Sprintf("%s Please try again in %d s.", q.reason, seconds))
	p.RetryAfter = wait
	p.Header = http.Header{
		"Ratelimit":        {fmt.Sprintf(`%q;r=0;t=%d`, q.name, seconds)},
		"Ratelimit-Policy": {fmt.Sprintf(`%q;q=%d;w=%d`, q.name, q.burst, int(window.Seconds()))},
	}
	return p
}
