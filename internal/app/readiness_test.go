package app

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestReadyLeavesOut asks as a probe does that knows what the process goes on without.
func TestReadyLeavesOut(t *testing.T) {
	ready := newReadiness(slog.New(slog.DiscardHandler))
	for _, name := range []string{"database", "queue", "auth"} {
		ready.add(name, checkEvery, nil)
	}
	away := errors.New("refused")
	for _, test := range []struct {
		name   string
		away   []string
		path   string
		status int
		body   string
	}{
		{"all there", nil, "/readyz", 200, "ready\n"},
		{"one away", []string{"queue"}, "/readyz", 503, "queue: refused\n"},
		{"left out", []string{"queue"}, "/readyz?exclude=queue", 200, "ready\nqueue (excluded): refused\n"},
		{
			"several left out",
			[]string{"queue", "auth"},
			"/readyz?exclude=queue&exclude=auth",
			200,
			"ready\nauth (excluded): refused\nqueue (excluded): refused\n",
		},
		{"another one left out", []string{"database"}, "/readyz?exclude=queue", 503, "database: refused\n"},
		{"what is not there cannot be left out", []string{"database"}, "/readyz?exclude=", 503, "database: refused\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, name := range []string{"database", "queue", "auth"} {
				ready.note(name, nil)
			}
			for _, name := range test.away {
				ready.note(name, away)
			}
			status, body := probe(ready, test.path)
			if status != test.status || body != test.body {
				t.Errorf("answers %d %q, want %d %q", status, body, test.status, test.body)
			}
		})
	}
	ready.ended = true
	if status, body := probe(ready, "/readyz?exclude=&exclude=queue"); status != 503 || body != "stopping\n" {
		t.Errorf("a process that stops answers %d %q", status, body)
	}
}

func probe(handler http.Handler, path string) (status int, body string) {
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, http.NoBody))
	return recorder.Code, recorder.Body.String()
}
