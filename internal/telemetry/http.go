package telemetry

import (
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/unreel/unreel/internal/httpx"
)

// Server watches a server's handler, which goes on with the trace that a request is in. Of a request only the pattern
// of its route is told: paths and queries have signatures and other people's ids in them.
func (t *Telemetry) Server(server string, next http.Handler) http.Handler {
	inFlight := t.Metrics.InFlight.WithLabelValues(server)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		method := methodOf(r.Method)
		ctx := r.Context()
		if len(r.Header.Values(traceparent)) > 0 {
			ctx = traceContext.Extract(ctx, propagation.HeaderCarrier(r.Header))
		}
		ctx, span := t.Start(ctx, method, trace.SpanKindServer, attribute.String("http.request.method", method))
		if ctx != r.Context() {
			r = r.WithContext(ctx)
		}
		recorder := &httpx.Recorder{ResponseWriter: w}
		inFlight.Inc()
		finished := false
		defer func() {
			inFlight.Dec()
			route, status := routeOf(r.Pattern), classOf(recorder.Status, finished)
			t.Metrics.Requests.WithLabelValues(server, route, method, status).Observe(time.Since(began).Seconds())
			t.logIn(server, r.Pattern, recorder.Status)
			finish(span, method, route, recorder.Status, finished)
		}()
		next.ServeHTTP(recorder, r)
		finished = true
	})
}

func finish(span trace.Span, method, route string, status int, finished bool) {
	if span.IsRecording() {
		span.SetName(method + " " + route)
		span.SetAttributes(attribute.String("http.route", route), attribute.Int("http.response.status_code", status))
		if status >= http.StatusInternalServerError || !finished {
			span.SetStatus(codes.Error, "")
		}
	}
	span.End()
}

// methodOf is a method as a label: anybody can send whatever they call one.
func methodOf(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	default:
		return "other"
	}
}

// routeOf is the path of a pattern, which the handler has left in the request.
func routeOf(pattern string) string {
	if _, path, found := strings.Cut(pattern, " "); found {
		pattern = path
	}
	if pattern == "" {
		return "none"
	}
	return pattern
}

// aborted is the class of an answer that broke off.
const aborted = "aborted"

var classes = [...]string{"other", "1xx", "2xx", "3xx", "4xx", "5xx", "other"}

func classOf(status int, finished bool) string {
	switch {
	case !finished:
		return aborted
	case status == 0: // net/http sends 200 for a handler that has sent nothing
		return "2xx"
	default:
		return classes[min(status/100, len(classes)-1)]
	}
}

// logIns are the results of log-ins.
var logIns = []string{"ok", "refused", "limited", "error"}

// logIn counts what auth has answered to whoever wanted to log in.
func (t *Telemetry) logIn(server, pattern string, status int) {
	if server != "auth" || pattern != "POST /login" && pattern != "POST /sessions" {
		return
	}
	result := "refused"
	switch {
	case status < http.StatusMultipleChoices:
		result = "ok"
	case status == http.StatusTooManyRequests:
		result = "limited"
	case status >= http.StatusInternalServerError:
		result = "error"
	}
	t.Metrics.LogIns.WithLabelValues(result).Inc()
}

// Client watches requests to another of our servers, and takes the trace there.
func (t *Telemetry) Client(server string, transport http.RoundTripper) http.RoundTripper {
	if transport == nil {
		transport = http.DefaultTransport
	}
	return client{t, server, transport}
}

type client struct {
	telemetry *Telemetry
	server    string
	transport http.RoundTripper
}

// CloseIdleConnections lets http.Client's method of that name through.
func (c client) CloseIdleConnections() { (&http.Client{Transport: c.transport}).CloseIdleConnections() }

// RoundTrip implements http.RoundTripper.
func (c client) RoundTrip(request *http.Request) (*http.Response, error) {
	if !InTrace(request.Context()) {
		return c.transport.RoundTrip(request)
	}
	ctx, span := c.telemetry.Start(request.Context(), request.Method+" "+c.server, trace.SpanKindClient,
		attribute.String("http.request.method", request.Method), attribute.String("server.address", request.URL.Host))
	request = request.Clone(ctx)
	traceContext.Inject(ctx, propagation.HeaderCarrier(request.Header))
	response, err := c.transport.RoundTrip(request)
	if err == nil {
		span.SetAttributes(attribute.Int("http.response.status_code", response.StatusCode))
	}
	Finish(span, err)
	return response, err
}
