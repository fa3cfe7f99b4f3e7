package client_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/api/client"
)

func serve(t *testing.T, status int, header map[string]string, body string) *client.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for key, value := range header {
			w.Header().Set(key, value)
		}
		w.Header().Set("X-Request-Id", "r1")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	c, err := client.NewClient(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDecodeReadsSuccess(t *testing.T) {
	c := serve(t, http.StatusOK, map[string]string{"Content-Type": "application/json"},
		`{"conversions":[{"id":"6b033c4259dafd7437a38151","status":"queued","mp3":null,"started_at":null}]}`)
	list, err := client.Decode[api.ConversionList](c.ListConversions(t.Context(), nil))
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Conversions) != 1 || list.Conversions[0].Status != "queued" || list.Conversions[0].MP3 != nil {
		t.Errorf("got %+v", list)
	}
}

func TestDecodeReturnsErrors(t *testing.T) {
	tests := []struct {
		name   string
		status int
		header map[string]string
		body   string
		want   client.Error
		text   string
	}{
		{
			"problem", http.StatusTooManyRequests,
			map[string]string{"Content-Type": "application/problem+json; charset=utf-8", "Retry-After": "7"},
			`{"type":"/problems/rate-limited","title":"Too many requests","status":429,"detail":"wait 7 s"}`,
			client.Error{
				Problem:   api.Problem{Type: "/problems/rate-limited", Title: "Too many requests", Status: 429, Detail: "wait 7 s"},
				RequestID: "r1", RetryAfter: 7 * time.Second,
			},
			"wait 7 s",
		},
		{
			"text", http.StatusForbidden,
			map[string]string{"Content-Type": "text/plain"},
			"not authorized",
			client.Error{Problem: api.Problem{Status: 403, Detail: "not authorized"}, RequestID: "r1"},
			"not authorized",
		},
		{
			"something else in between", http.StatusBadGateway,
			map[string]string{"Content-Type": "text/html"},
			"<h1>Bad</h1>",
			client.Error{Problem: api.Problem{Status: 502}, RequestID: "r1"},
			"the service answered 502 Bad Gateway",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := serve(t, test.status, test.header, test.body)
			_, err := client.Decode[api.Conversion](c.GetConversion(t.Context(), "6b033c4259dafd7437a38151"))
			var got *client.Error
			if !errors.As(err, &got) {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(test.want, *got); diff != "" {
				t.Error(diff)
			}
			if got.Error() != test.text {
				t.Errorf("text %q, want %q", got, test.text)
			}
		})
	}
}

func TestDecodeRefusesWhatIsNoJSON(t *testing.T) {
	c := serve(t, http.StatusOK, map[string]string{"Content-Type": "text/html"}, "<html>")
	if _, err := client.Decode[api.Conversion](c.GetConversion(t.Context(), "x")); err == nil {
		t.Error("no error")
	}
	if _, err := client.Decode[api.Conversion](nil, io.ErrUnexpectedEOF); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}
