package client_test

import (
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/unreel/unreel/internal/service/auth"
	"github.com/unreel/unreel/internal/service/auth/client"
	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/internal/store/users/sqlusers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ada = client.Credentials{Email: "ada@example.com", Password: "correct horse battery"}

const from = "192.0.2.1"

// newAuth makes a real auth service.
func newAuth(t *testing.T) *auth.Service {
	t.Helper()
	db, err := database.Open("sqlite:" + filepath.Join(t.TempDir(), "unreel.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	store := sqlusers.New(db)
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	service, err := auth.New(auth.DefaultConfig(), store, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return service
}

// counted counts the requests that reach a handler.
type counted struct {
	http.Handler

	requests atomic.Int32
}

func (c *counted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.requests.Add(1)
	c.Handler.ServeHTTP(w, r)
}

// serve serves a handler over HTTP until the test ends.
func serve(t *testing.T, handler http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// transport is one whose connections end with the test.
func transport(t *testing.T) *http.Transport {
	t.Helper()
	own := new(http.Transport)
	t.Cleanup(own.CloseIdleConnections)
	return own
}

func newClient(t *testing.T, url string, transport http.RoundTripper) *client.Client {
	t.Helper()
	c, err := client.New(url, transport, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newVerifier(t *testing.T, url string, transport http.RoundTripper) *client.Verifier {
	t.Helper()
	v, err := client.NewVerifier(url, auth.DefaultIssuer, transport, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// nobody is an address where nobody listens.
func nobody(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// pass lets time pass in a synctest bubble.
func pass(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // it is the bubble's own time
