package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/api/client"
	"github.com/unreel/unreel/internal/conversion"
)

const (
	testID    = "6b033c4259dafd7437a38151"
	testEmail = "ada@example.com"
	testToken = "token-1"
)

// fakeGateway answers as the specification says. Routes that a test does not set are failures.
func fakeGateway(t *testing.T, routes map[string]http.HandlerFunc) *httptest.Server {
	t.Helper()
	t.Cleanup(func() { goleak.VerifyNone(t) })
	mux := http.NewServeMux()
	for pattern, handler := range routes {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Request-Id", "r1")
			handler(w, r)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("unexpected %s %s", r.Method, r.URL)
		w.WriteHeader(http.StatusTeapot)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// fresh gives the test settings of its own and an empty working directory.
func fresh(t *testing.T) {
	t.Helper()
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	for _, variable := range []string{"UNREEL_SERVER", "UNREEL_TOKEN", "UNREEL_PASSWORD"} {
		t.Setenv(variable, "")
		if err := os.Unsetenv(variable); err != nil { // which Setenv undoes
			t.Fatal(err)
		}
	}
	t.Chdir(t.TempDir())
}

// loggedIn is fresh, with a log-in to the server.
func loggedIn(t *testing.T, server string) {
	t.Helper()
	fresh(t)
	s := session{Server: server, Email: testEmail, Token: testToken, ExpiresAt: time.Now().Add(time.Hour)}
	if err := s.save(); err != nil {
		t.Fatal(err)
	}
}

// ran is what a command did.
type ran struct {
	code     int
	out, err string
}

func run(t *testing.T, arguments ...string) ran {
	t.Helper()
	return runWith(t.Context(), "", arguments...)
}

func runWith(ctx context.Context, input string, arguments ...string) ran {
	var out, errs strings.Builder
	code := Main(ctx, arguments, IO{In: strings.NewReader(input), Out: &out, Err: &errs})
	return ran{code, out.String(), errs.String()}
}

// expect fails the test unless the command ended with the code and said each of the texts on stderr.
func (r ran) expect(t *testing.T, code int, texts ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d; it said %q", r.code, code, r.err)
	}
	for _, text := range texts {
		if !strings.Contains(r.err, text) {
			t.Errorf("it said %q, want %q", r.err, text)
		}
	}
}

func answer(status int, value any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(value)
	}
}

func refuse(status int, slug, detail string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(api.Problem{Type: "/problems/" + slug, Title: slug, Status: status, Detail: detail})
	}
}

// queued is a conversion as it begins.
func queued(id, name string) api.Conversion {
	return api.Conversion{
		ID: id, Status: conversion.Queued, QueuePosition: 3, CreatedAt: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC),
		Video: api.Video{Name: name, Size: 122532426},
	}
}

// completed is a conversion as it ends well.
func completed(id, name string) api.Conversion {
	one := queued(id, name)
	one.Status, one.Progress, one.Attempts, one.QueuePosition = conversion.Completed, 1, 1, 0
	one.Video.Duration, one.Video.Codec = 600, "aac"
	one.MP3 = &api.MP3{Size: 9600000, Duration: 600, Bitrate: 128000, SampleRate: 48000, Channels: 2}
	return one
}

// failed is a conversion as it ends badly.
func failed(id, name string) api.Conversion {
	one := queued(id, name)
	one.Status, one.Attempts, one.QueuePosition = conversion.Failed, 1, 0
	one.Error = &api.Failure{Type: "/problems/no-audio-stream", Title: "The video has no sound", Detail: "Add some."}
	return one
}

// mp3Answer serves an MP3 under a name.
func mp3Answer(body, disposition string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "audio/mpeg")
		w.Header().Set("Content-Disposition", disposition)
		_, _ = w.Write([]byte(body))
	}
}

func events(lines ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, line := range lines {
			fmt.Fprintln(w, line)
		}
	}
}

func event(id int, status conversion.Status, progress float64) string {
	return fmt.Sprintf("id: %d\nevent: status\ndata: {\"id\":%q,\"status\":%q,\"progress\":%v,\"at\":\"2026-01-01T00:00:00Z\"}\n",
		id, testID, status, progress)
}

func writeFile(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// names lists a folder, hidden files too.
func names(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	found := []string{}
	for _, entry := range entries {
		found = append(found, filepath.Base(entry.Name()))
	}
	return found
}

func apiError(status int) error {
	return &client.Error{Problem: api.Problem{Status: status}}
}
