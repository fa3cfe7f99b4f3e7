package telemetry

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"
)

const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// off is a Telemetry of a process that was told nothing.
func off(t testing.TB) *Telemetry {
	t.Helper()
	return with(t, map[string]string{})
}

func with(t testing.TB, environment map[string]string) *Telemetry {
	t.Helper()
	made, err := New(t.Context(), Config{
		Service: "gateway", Getenv: func(name string) string { return environment[name] }, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := made.Close(); err != nil {
			t.Error(err)
		}
	})
	return made
}

func TestExporting(t *testing.T) {
	for _, test := range []struct {
		environment string
		want        bool
	}{
		{"", false},
		{"OTEL_TRACES_EXPORTER=otlp", true},
		{"OTEL_TRACES_EXPORTER=none", false},
		{"OTEL_TRACES_EXPORTER=none OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318", false},
		{"OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318", true},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://collector:4318/v1/traces", true},
		{"OTEL_TRACES_EXPORTER=otlp OTEL_SDK_DISABLED=true", false},
	} {
		getenv := func(name string) string {
			for setting := range strings.FieldsSeq(test.environment) {
				if value, found := strings.CutPrefix(setting, name+"="); found {
					return value
				}
			}
			return ""
		}
		if got := exporting(getenv); got != test.want {
			t.Errorf("with %q: exporting %v, want %v", test.environment, got, test.want)
		}
	}
}

// TestUnknownExporter wants the variable's name in the error.
func TestUnknownExporter(t *testing.T) {
	t.Setenv("OTEL_TRACES_EXPORTER", "carrier-pigeon")
	_, err := New(t.Context(), Config{Getenv: func(string) string { return "carrier-pigeon" }, Logger: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "OTEL_TRACES_EXPORTER") {
		t.Errorf("error %v, want one that names the variable", err)
	}
}

func TestTraceparent(t *testing.T) {
	ctx := WithTraceparent(t.Context(), parent)
	if got := Traceparent(ctx); got != parent {
		t.Errorf("%q comes back as %q", parent, got)
	}
	for _, nonsense := range []string{"", "x", "00-0-0-0", strings.Repeat("0", 55), parent + "x"} {
		if got := Traceparent(WithTraceparent(t.Context(), nonsense)); got != "" {
			t.Errorf("%q became the trace %q", nonsense, got)
		}
	}
	if got := Traceparent(WithTrace(ctx)); got != parent {
		t.Errorf("in the trace %s, another was begun: %s", parent, got)
	}
	begun := Traceparent(WithTrace(t.Context()))
	if !regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-00$`).MatchString(begun) {
		t.Errorf("a trace that nobody records begins as %q", begun)
	}
}

// FuzzTraceparent sends whatever a message may have in its header.
func FuzzTraceparent(f *testing.F) {
	f.Add(parent)
	f.Add("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-zz")
	f.Fuzz(func(t *testing.T, text string) {
		if got := Traceparent(WithTraceparent(t.Context(), text)); got != "" && len(got) != len(parent) {
			t.Errorf("%q became %q, which has no place in the ledger", text, got)
		}
	})
}

// TestOffPassesOn wants the trace of a request to go through a process that records nothing.
func TestOffPassesOn(t *testing.T) {
	watched := off(t)
	var sent string
	transport := watched.Client("auth", roundTrip(func(r *http.Request) { sent = r.Header.Get("traceparent") }))
	handler := watched.Server("gateway", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if trace.SpanFromContext(r.Context()).IsRecording() {
			t.Error("a span is recorded")
		}
		request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, "http://auth/", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := transport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
	}))
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	request.Header.Set("Traceparent", parent)
	handler.ServeHTTP(httptest.NewRecorder(), request)
	if sent != parent {
		t.Errorf("auth hears of the trace %q, want %q", sent, parent)
	}
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	if sent != "" {
		t.Errorf("auth hears of the trace %q, and nobody sent one", sent)
	}
}

// TestClientLetsGo wants connections to be closed through a watched client, as through the one below it.
func TestClientLetsGo(t *testing.T) {
	transport := &closable{}
	(&http.Client{Transport: off(t).Client("auth", transport)}).CloseIdleConnections()
	if transport.closed != 1 {
		t.Errorf("idle connections were closed %d times", transport.closed)
	}
}

type closable struct {
	http.RoundTripper
	closed int
}

func (c *closable) CloseIdleConnections() { c.closed++ }

type roundTrip func(*http.Request)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) {
	f(r)
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

// BenchmarkServer is what a request costs more for being watched, with nobody to send spans to.
func BenchmarkServer(b *testing.B) {
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	watched := off(b).Server("gateway", nothing)
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	answer := httptest.NewRecorder()
	for name, handler := range map[string]http.Handler{"bare": nothing, "watched": watched} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				handler.ServeHTTP(answer, request)
			}
		})
	}
}
