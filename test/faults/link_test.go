package faults

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// links stand between services and their servers. They are made as a cluster starts.
type links struct {
	server *toxiproxy.ApiServer

	mutex sync.Mutex
	all   map[string][]*toxiproxy.Proxy // by "service-server"
}

func newLinks() *links {
	return &links{
		server: toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop()),
		all:    map[string][]*toxiproxy.Proxy{},
	}
}

// through is a harness.Shape's Through.
func (l *links) through(t *testing.T) func(service, server, address string) string {
	return func(service, server, address string) string {
		name := service + "-" + server
		proxy := toxiproxy.NewProxy(l.server, name, "127.0.0.1:0", address)
		if err := proxy.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(proxy.Stop)
		l.mutex.Lock()
		defer l.mutex.Unlock()
		l.all[name] = append(l.all[name], proxy)
		return proxy.Listen
	}
}

// cut parts a service from a server, and returns what joins them again. A half-open link keeps its connections and
// takes new ones, but nothing gets through; any other resets and refuses them.
func (l *links) cut(t *testing.T, name string, halfOpen bool) (join func()) {
	t.Helper()
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if len(l.all[name]) == 0 {
		t.Fatalf("there is no link %s", name)
	}
	for _, proxy := range l.all[name] {
		if !halfOpen {
			proxy.Stop()
			continue
		}
		for _, way := range []string{"upstream", "downstream"} {
			toxic := fmt.Sprintf(`{"name":%q,"type":"timeout","stream":%[1]q,"attributes":{"timeout":0}}`, way)
			if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return sync.OnceFunc(func() { l.join(t, name, halfOpen) })
}

func (l *links) join(t *testing.T, name string, halfOpen bool) {
	t.Helper()
	for _, proxy := range l.all[name] {
		if halfOpen {
			proxy.Toxics.ResetToxics(t.Context())
		} else if err := proxy.Start(); err != nil {
			t.Error(err)
		}
	}
}
