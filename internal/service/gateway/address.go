package gateway

import (
	"net/http"
	"net/netip"
	"strings"
)

// clientAddress is where a request comes from, without the port. What a proxy says of it is believed only if the
// operator has named the proxy: anyone can send the header.
func (g *Gateway) clientAddress(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	address := peer.Addr()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	// Each proxy adds whom it was asked by at the end.
	for i := len(hops) - 1; i >= 0 && g.isProxy(address); i-- {
		before, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		address = before
	}
	return address.Unmap().String()
}

func (g *Gateway) isProxy(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	for _, network := range g.config.Proxies {
		if network.Contains(address) {
			return true
		}
	}
	return false
}
