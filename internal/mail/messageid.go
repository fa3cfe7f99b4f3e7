package mail

import (
	"net/url"
	"strings"
)

// MessageID ends the local part of a Message-ID with the host of a service's public address, as far as that can be
// written in one (RFC 5322, 3.6.4).
func MessageID(local, home string) string {
	host := "localhost"
	if address, err := url.Parse(home); err == nil && address.Hostname() != "" {
		host = address.Hostname()
	}
	return local + "@" + strings.Map(func(r rune) rune {
		if r == '.' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '-' // of an IPv6 address, or a name that nobody has written as punycode
	}, host)
}
