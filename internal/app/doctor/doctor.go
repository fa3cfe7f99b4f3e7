// Package doctor looks at each server and program that the services stand on, the way that the services will use it,
// and says in words what is wrong and what would do. It changes nothing that stays.
package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/unreel/unreel/internal/conversion"
)

// Level is how bad something is.
type Level string

// The levels. Services work with what is only warned of.
const (
	OK   Level = "ok"
	Warn Level = "warn"
	Fail Level = "fail"
)

// Finding is the outcome of one check.
type Finding struct {
	Level   Level  `json:"level"`
	Setting string `json:"setting"` // the variable that is concerned
	Says    string `json:"says"`
	Remedy  string `json:"remedy,omitempty"` // what would do; empty where nothing has to be done
}

// patience is how long one server may take for everything that it is asked.
const patience = 15 * time.Second

// Check is one look at one thing; it takes no longer than patience.
type Check func(ctx context.Context) []Finding

// Run does all checks at once and returns what they found, in their order.
func Run(ctx context.Context, checks []Check) []Finding {
	results := make([]chan []Finding, len(checks))
	for i, check := range checks {
		results[i] = make(chan []Finding, 1)
		go func() {
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			results[i] <- check(ctx)
		}()
	}
	var all []Finding
	for _, result := range results {
		all = append(all, <-result...)
	}
	return all
}

// chart takes down findings about one setting.
type chart struct {
	setting  string
	findings []Finding
}

func (c *chart) ok(format string, args ...any) {
	c.add(OK, "", fmt.Sprintf(format, args...))
}

func (c *chart) warn(remedy, format string, args ...any) {
	c.add(Warn, remedy, fmt.Sprintf(format, args...))
}

func (c *chart) fail(remedy, format string, args ...any) {
	c.add(Fail, remedy, fmt.Sprintf(format, args...))
}

func (c *chart) add(level Level, remedy, says string) {
	c.findings = append(c.findings, Finding{Level: level, Setting: c.setting, Says: brief(says), Remedy: remedy})
}

// maxSays keeps a driver's error to a line that can be read, in characters.
const maxSays = 300

func brief(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > maxSays {
		return string(runes[:maxSays]) + "…"
	}
	return text
}

// ways are what errors of the network are called, and what would do. Drivers do not always hand on more than words.
var ways = []struct {
	is     func(error) bool
	words  []string
	says   string
	remedy string
}{
	{
		func(err error) bool { _, found := errors.AsType[*net.DNSError](err); return found },
		[]string{"no such host"},
		"the host's name is not known here",
		"correct the host in the URL, or this machine's DNS",
	},
	{
		func(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) },
		[]string{"connection refused"},
		"nothing listens at this host and port",
		"start the server, or correct the host and port in the URL",
	},
	{
		isCertificate,
		[]string{"x509:"},
		"the server's certificate is not trusted",
		"name the host as the certificate does, or install the authority's certificate on this machine",
	},
	{
		func(err error) bool {
			return errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH)
		},
		[]string{"no route to host", "network is unreachable"},
		"there is no way to this host from here",
		"correct the host in the URL, or this machine's network",
	},
	{
		func(err error) bool {
			timeout, found := errors.AsType[net.Error](err)
			return errors.Is(err, context.DeadlineExceeded) || found && timeout.Timeout()
		},
		[]string{"i/o timeout"},
		"the server does not answer in time",
		"look whether it hangs, and whether a firewall or network policy is between",
	},
}

func isCertificate(err error) bool {
	_, verification := errors.AsType[*tls.CertificateVerificationError](err)
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	_, hostname := errors.AsType[x509.HostnameError](err)
	return verification || authority || hostname
}

// unreachable takes down why a server cannot be used; what is not known is told as it came, with the remedy given.
func (c *chart) unreachable(err error, otherwise string) {
	text := err.Error()
	for _, way := range ways {
		known := way.is(err)
		for _, words := range way.words {
			known = known || strings.Contains(text, words)
		}
		if known {
			c.fail(way.remedy, "%s: %s", way.says, lastError(text))
			return
		}
	}
	c.fail(otherwise, "%s", lastError(text))
}

// lastError is the end of what MongoDB's driver says about all servers that it knows.
func lastError(text string) string {
	if _, last, found := strings.Cut(text, "Last error: "); found {
		last, _, _ = strings.Cut(last, " }")
		return last
	}
	return text
}

// newProbe is an id under which nothing is.
func newProbe() conversion.ID { return conversion.NewID(time.Now()) }
