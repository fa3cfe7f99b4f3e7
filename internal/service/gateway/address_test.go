package gateway

import (
	"net/http"
	"net/netip"
	"testing"
)

func TestClientAddress(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, test := range map[string]struct {
		proxies   []netip.Prefix
		peer      string
		forwarded []string
		want      string
	}{
		"nobody is believed":            {nil, "10.0.0.1:1", []string{"192.0.2.1"}, "10.0.0.1"},
		"a proxy is":                    {proxies, "10.0.0.1:1", []string{"192.0.2.1"}, "192.0.2.1"},
		"a proxy of a proxy":            {proxies, "[fd00::1]:1", []string{"192.0.2.1, 10.0.0.7"}, "192.0.2.1"},
		"what the client said before":   {proxies, "10.0.0.1:1", []string{"203.0.113.9, 192.0.2.1"}, "192.0.2.1"},
		"in a header of its own":        {proxies, "10.0.0.1:1", []string{"203.0.113.9", "192.0.2.1"}, "192.0.2.1"},
		"only proxies":                  {proxies, "10.0.0.1:1", []string{"10.0.0.9"}, "10.0.0.9"},
		"a stranger says to be another": {proxies, "192.0.2.1:1", []string{"203.0.113.9"}, "192.0.2.1"},
		"a proxy that says nothing":     {proxies, "10.0.0.1:1", nil, "10.0.0.1"},
		"a proxy that says nonsense":    {proxies, "10.0.0.1:1", []string{"192.0.2.1, unknown"}, "10.0.0.1"},
		"IPv4 in IPv6":                  {proxies, "[::ffff:10.0.0.1]:1", []string{"::ffff:192.0.2.1"}, "192.0.2.1"},
		"no address":                    {proxies, "@", nil, "@"},
	} {
		t.Run(name, func(t *testing.T) {
			g := &Gateway{config: Config{Proxies: test.proxies}}
			r := &http.Request{RemoteAddr: test.peer, Header: http.Header{"X-Forwarded-For": test.forwarded}}
			if got := g.clientAddress(r); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
