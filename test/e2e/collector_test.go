package e2e

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector takes what services export, as OTLP over HTTP.
type collector struct {
	URL string

	mutex sync.Mutex
	spans []span
}

// span is what a test wants to know of one.
type span struct {
	service, name     string
	trace, id, parent string // in hex
	text              string // all there is to it
}

// newCollector listens until the test ends.
func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := c.take(r); err != nil {
			t.Error(err)
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	t.Cleanup(server.Close)
	c.URL = server.URL
	return c
}

func (c *collector) take(r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	var export collectortrace.ExportTraceServiceRequest
	if err := proto.Unmarshal(body, &export); err != nil || r.URL.Path != "/v1/traces" {
		return fmt.Errorf("export to %s: %w", r.URL.Path, err)
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, from := range export.GetResourceSpans() {
		for _, scope := range from.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				c.spans = append(c.spans, made(from, s))
			}
		}
	}
	return nil
}

func made(from *tracev1.ResourceSpans, s *tracev1.Span) span {
	got := span{
		name: s.GetName(), text: s.String(),
		trace: hex.EncodeToString(s.GetTraceId()), id: hex.EncodeToString(s.GetSpanId()), parent: hex.EncodeToString(s.GetParentSpanId()),
	}
	for _, attribute := range from.GetResource().GetAttributes() {
		if attribute.GetKey() == "service.name" {
			got.service = attribute.GetValue().GetStringValue()
		}
	}
	return got
}

// of returns what has come of a trace.
func (c *collector) of(trace string) []span {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	var found []span
	for _, s := range c.spans {
		if s.trace == trace {
			found = append(found, s)
		}
	}
	return found
}
