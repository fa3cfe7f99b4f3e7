package webhook

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// maxURL is the longest URL, in bytes.
const maxURL = 2000

// CheckURL says what is wrong with an address that a mode is to allow. A name is not looked up: what it stands for counts
// when it is called.
func CheckURL(text string, mode Mode) error {
	parsed, err := url.Parse(text)
	switch {
	case len(text) > maxURL:
		return fmt.Errorf("must have at most %d characters", maxURL)
	case err != nil || parsed.Host == "" || parsed.Hostname() == "" || !isASCII(text):
		return errors.New("must be a URL such as https://example.com/hook")
	case parsed.Port() != "" && !isPort(parsed.Port()):
		return errors.New("must have a port from 1 to 65535, or none")
	case parsed.User != nil || parsed.Fragment != "":
		return errors.New("must have no user, password or fragment")
	case parsed.Scheme != "https" && (mode != Any || parsed.Scheme != "http"):
		return errors.New("must begin with https://")
	}
	if mode != Any && isInside(parsed.Hostname()) {
		return errors.New("must be an address on the Internet")
	}
	return nil
}

// isInside tells whether a host is known by its name or address alone to be none on the Internet.
func isInside(name string) bool {
	host := strings.TrimSuffix(strings.ToLower(name), ".")
	address, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && !isPublic(address)
}

func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

// checkDialed refuses an address with a port that is none on the Internet.
func checkDialed(text string) error {
	address, err := netip.ParseAddrPort(text)
	if err != nil || !isPublic(address.Addr()) {
		return errors.New("the address is not one on the Internet (UNREEL_WEBHOOKS=any allows others)")
	}
	return nil
}

// special are the networks that are no part of the Internet although they look it, or lead back out of it
// (https://www.iana.org/assignments/iana-ipv4-special-registry, and the same for IPv6).
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/96"),
	netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"),
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("5f00::/16"),
	netip.MustParsePrefix("fec0::/10"),
}

func isPublic(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	if !address.IsGlobalUnicast() || address.IsPrivate() {
		return false
	}
	for _, network := range special {
		if network.Contains(address) {
			return false
		}
	}
	return true
}
