package httpx_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/unreel/unreel/internal/httpx"
)

func TestChain(t *testing.T) {
	var order []string
	note := func(name string) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				order = append(order, name)
				next.ServeHTTP(w, r)
			})
		}
	}
	last := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { order = append(order, "handler") })
	httpx.Chain(last, note("first"), note("second")).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	if got := strings.Join(order, " "); got != "first second handler" {
		t.Errorf("ran %s", got)
	}
}

// TestRequestID wants no text of a client in logs and answers that could forge a line or a header.
func TestRequestID(t *testing.T) {
	for given, kept := range map[string]bool{
		"abc-DEF_1.2": true, strings.Repeat("a", 64): true,
		"": false, strings.Repeat("a", 65): false, "a b": false, "a\nb": false, `a"b`: false, "é": false,
	} {
		var seen string
		handler := httpx.RequestID(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			seen = httpx.RequestIDOf(r.Context())
		}))
		request := httptest.NewRequest("GET", "/", nil)
		request.Header.Set("X-Request-Id", given)
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		if seen == "" || answer.Header().Get("X-Request-Id") != seen || (seen == given) != kept {
			t.Errorf("%q became %q, answered %q", given, seen, answer.Header().Get("X-Request-Id"))
		}
	}
	if id := httpx.RequestIDOf(t.Context()); id != "" {
		t.Errorf("a context without a request has the id %q", id)
	}
}

// logged is a server with the middlewares of a service, and its log's lines.
func logged(t *testing.T, handler http.HandlerFunc) (server *httptest.Server, lines func() []map[string]any) {
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	mux := http.NewServeMux()
	mux.HandleFunc("/secret/{id}", handler)
	server = httptest.NewUnstartedServer(httpx.Chain(mux, httpx.RequestID, httpx.Log(logger), httpx.Harden))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	server.Start()
	t.Cleanup(server.Close)
	return server, func() (lines []map[string]any) {
		server.Close() // waits for the handlers
		for line := range strings.Lines(log.String()) {
			var fields map[string]any
			if err := json.Unmarshal([]byte(line), &fields); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, fields)
		}
		return lines
	}
}

func get(t *testing.T, url string) (*http.Response, []byte, error) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, body, err
}

func TestLog(t *testing.T) {
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		status  float64
		bytes   float64
	}{
		"nothing sent":   {func(http.ResponseWriter, *http.Request) {}, 200, 0},
		"only a body":    {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "four") }, 200, 4},
		"a status":       {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, 404, 0},
		"hints first":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103); w.WriteHeader(201) }, 201, 0},
		"a status twice": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201); w.WriteHeader(500) }, 201, 0},
	} {
		t.Run(name, func(t *testing.T) {
			server, lines := logged(t, test.handler)
			response, _, err := get(t, server.URL+"/secret/hushhush?signature=hushhush")
			if err != nil {
				t.Fatal(err)
			}
			if response.Header.Get("X-Content-Type-Options") != "nosniff" || response.Header.Get("Content-Security-Policy") == "" {
				t.Errorf("not hardened: %v", response.Header)
			}
			got := lines()
			if len(got) != 1 {
				t.Fatalf("logged %v, want one line", got)
			}
			line := got[0]
			if line["status"] != test.status || line["bytes"] != test.bytes || line["method"] != "GET" || line["route"] != "/secret/{id}" ||
				line["request"] != response.Header.Get("X-Request-Id") {
				t.Errorf("logged %v", line)
			}
			for _, value := range line {
				if text, ok := value.(string); ok && strings.Contains(text, "hush") {
					t.Errorf("logged what is nobody's business: %v", line)
				}
			}
		})
	}
}

func TestPanicBeforeTheAnswer(t *testing.T) {
	server, lines := logged(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000000")
		w.Header().Set("ETag", `"of-an-mp3"`)
		panic("the password is hushhush")
	})
	response, body, err := get(t, server.URL+"/secret/x")
	if err != nil || response.StatusCode != 500 || response.Header.Get("Content-Type") != httpx.ProblemType || response.Header.Get("ETag") != "" {
		t.Fatalf("got %v, %v", response, err)
	}
	if strings.Contains(string(body), "hush") || !json.Valid(body) {
		t.Errorf("answered %s", body)
	}
	if got := lines(); len(got) != 2 || got[0]["panic"] != "the password is hushhush" || got[0]["stack"] == "" || got[1]["status"] != 500.0 {
		t.Errorf("logged %v", got)
	}
}

// TestPanicWithinTheAnswer wants a client to notice that what it has is not all.
func TestPanicWithinTheAnswer(t *testing.T) {
	for name, reason := range map[string]any{"fault": "fault", "abort": http.ErrAbortHandler} {
		server, lines := logged(t, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half of it")
			_ = http.NewResponseController(w).Flush()
			panic(reason)
		})
		if _, body, err := get(t, server.URL+"/secret/x"); err == nil {
			t.Errorf("%s: %q passed for the whole answer", name, body)
		}
		got := lines()
		if last := got[len(got)-1]; last["msg"] != "request" || last["bytes"] != 10.0 || (len(got) == 2) != (name == "fault") {
			t.Errorf("%s: logged %v", name, got)
		}
	}
}
