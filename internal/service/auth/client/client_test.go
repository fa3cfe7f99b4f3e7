package client_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/service/auth/client"
)

// TestAgainstAuth runs over a socket and in the process, which must not differ.
func TestAgainstAuth(t *testing.T) {
	tests := map[string]func(t *testing.T, handler http.Handler) *client.Client{
		"socket": func(t *testing.T, handler http.Handler) *client.Client {
			return newClient(t, serve(t, handler).URL+"/", transport(t))
		},
		"process": func(t *testing.T, handler http.Handler) *client.Client {
			return newClient(t, "http://auth", client.InProcess(handler))
		},
	}
	for name, open := range tests {
		t.Run(name, func(t *testing.T) { testAgainstAuth(t, open(t, newAuth(t).Handler())) })
	}
}

func testAgainstAuth(t *testing.T, c *client.Client) {
	user, err := c.SignUp(t.Context(), from, ada)
	if err != nil || len(user.ID) != 24 || user.Email != ada.Email || user.CreatedAt.IsZero() {
		t.Fatalf("sign up: got %+v, %v", user, err)
	}
	session, err := c.LogIn(t.Context(), from, ada)
	if err != nil || session.AccessToken == "" || session.TokenType != "Bearer" || session.ExpiresIn != 900 {
		t.Errorf("log in: got %+v, %v", session, err)
	}
	if text, err := c.Token(t.Context(), from, ada); err != nil || strings.Count(text, ".") != 2 {
		t.Errorf("token: got %q, %v", text, err)
	}

	_, err = c.SignUp(t.Context(), from, ada)
	_ = mustRefuse(t, err, http.StatusConflict, "/problems/address-taken")
	_, err = c.SignUp(t.Context(), from, client.Credentials{Email: "bob", Password: "short"})
	if problem := mustRefuse(t, err, http.StatusUnprocessableEntity, "/problems/invalid"); len(problem.Errors) != 2 {
		t.Errorf("got %+v", problem)
	}
	wrong := client.Credentials{Email: ada.Email, Password: "wrong horse battery"}
	_, err = c.LogIn(t.Context(), from, wrong)
	if problem := mustRefuse(t, err, http.StatusUnauthorized, "/problems/invalid-credentials"); problem.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("got %+v", problem)
	}
	_, err = c.Token(t.Context(), from, wrong)
	if problem := mustRefuse(t, err, http.StatusUnauthorized, "/problems/refused"); problem.Detail != "invalid credentials" {
		t.Errorf("got %+v", problem)
	}
}

func TestLimitIsPassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, "http://auth", client.InProcess(newAuth(t).Handler()))
		for range 10 {
			_, err := c.Token(t.Context(), from, ada)
			_ = mustRefuse(t, err, http.StatusUnauthorized, "/problems/refused")
		}
		_, tokenErr := c.Token(t.Context(), from, ada)
		_, logInErr := c.LogIn(t.Context(), from, ada)
		for _, problem := range []httpx.Problem{
			mustRefuse(t, tokenErr, http.StatusTooManyRequests, "/problems/refused"),
			mustRefuse(t, logInErr, http.StatusTooManyRequests, "/problems/too-many-log-ins"),
		} {
			if problem.RetryAfter != 6*time.Second || problem.Header.Get("RateLimit") == "" || problem.Header.Get("RateLimit-Policy") == "" {
				t.Errorf("got %+v", problem)
			}
		}
		_, err := c.LogIn(t.Context(), "192.0.2.2", client.Credentials{Email: "x@example.com", Password: "y"})
		_ = mustRefuse(t, err, http.StatusUnauthorized, "/problems/invalid-credentials")
	})
}

func mustRefuse(t *testing.T, err error, status int, kind string) httpx.Problem {
	t.Helper()
	var problem httpx.Problem
	if !errors.As(err, &problem) || problem.Status != status || problem.Type != kind || problem.Instance != "" {
		t.Fatalf("got %#v, want %s", err, kind)
	}
	return problem
}

func TestUnavailable(t *testing.T) {
	answers := map[string]http.HandlerFunc{
		"500":           func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"503 problem":   func(w http.ResponseWriter, r *http.Request) { httpx.WriteProblem(w, r, httpx.Unavailable("x")) },
		"404 of others": http.NotFound,
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		},
		"no JSON":    func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"broken off": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, serve(t, answer).URL, transport(t))
			if _, err := c.LogIn(t.Context(), from, ada); !errors.Is(err, client.ErrUnavailable) {
				t.Errorf("got %v, want ErrUnavailable", err)
			}
		})
	}
}

func TestRefusedConnection(t *testing.T) {
	c := newClient(t, "http://"+nobody(t), transport(t))
	if _, err := c.LogIn(t.Context(), from, ada); !errors.Is(err, client.ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
}

// TestRestartGoesUnnoticed refuses the first connection.
func TestRestartGoesUnnoticed(t *testing.T) {
	server := serve(t, newAuth(t).Handler())
	way := transport(t)
	dials, refused := 0, nobody(t)
	way.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if dials++; dials == 1 {
			address = refused
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	if _, err := newClient(t, server.URL, way).SignUp(t.Context(), from, ada); err != nil || dials != 2 {
		t.Errorf("got %v after %d dials", err, dials)
	}
}

// TestNoRetryAfterSending makes sure that what may have been done is not asked for again.
func TestNoRetryAfterSending(t *testing.T) {
	handler := &counted{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })}
	c := newClient(t, serve(t, handler).URL, transport(t))
	_, err := c.SignUp(t.Context(), from, ada)
	if !errors.Is(err, client.ErrUnavailable) || handler.requests.Load() != 1 {
		t.Errorf("got %v after %d requests", err, handler.requests.Load())
	}
}

func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, "http://auth", client.InProcess(http.HandlerFunc(hang)))
		began := time.Now()
		if _, err := c.LogIn(t.Context(), from, ada); !errors.Is(err, client.ErrUnavailable) || time.Since(began) != 5*time.Second {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
	})
}

func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func TestCallerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, "http://auth", client.InProcess(http.HandlerFunc(hang)))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.LogIn(ctx, from, ada)
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, client.ErrUnavailable) {
			t.Errorf("got %v, want the context's own error", err)
		}
	})
}

func TestRequestIDGoesAlong(t *testing.T) {
	got := make(chan string, 1)
	inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header.Get("X-Request-Id") + " " + r.Header.Get(client.AddressHeader)
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	c := newClient(t, "http://auth", client.InProcess(inner))
	outer := httpx.RequestID(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := c.Token(r.Context(), from, ada); !errors.Is(err, client.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	}))
	request := httptest.NewRequestWithContext(t.Context(), "POST", "/login", http.NoBody)
	request.Header.Set("X-Request-Id", "abc")
	outer.ServeHTTP(httptest.NewRecorder(), request)
	if id := <-got; id != "abc "+from {
		t.Errorf("got %q", id)
	}
}

func TestBaseURL(t *testing.T) {
	for _, bad := range []string{"", "auth:5000", "amqp://auth", "http://", "http://user:secret@auth", "http://[::1"} {
		if _, err := client.New(bad, nil, nil); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: got %v", bad, err)
		}
		if _, err := client.NewVerifier(bad, "unreel", nil, nil); err == nil {
			t.Errorf("%q: got %v", bad, err)
		}
	}
}

// TestSomebodyElsesConnection has somebody else answer first, and then auth: the second question must not be asked over
// the connection to the first.
func TestSomebodyElsesConnection(t *testing.T) {
	auth := newAuth(t).Handler()
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if connections.Load() == 1 {
			http.NotFound(w, r)
			return
		}
		auth.ServeHTTP(w, r)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	c := newClient(t, server.URL, transport(t))
	if _, err := c.SignUp(t.Context(), from, ada); !errors.Is(err, client.ErrUnavailable) {
		t.Errorf("somebody else: got %v, want ErrUnavailable", err)
	}
	if _, err := c.SignUp(t.Context(), from, ada); err != nil {
		t.Errorf("auth: got %v", err)
	}
}

// TestErrorsTellNoAddress holds that what is logged of a failure has no token from a mail, which is in the path.
func TestErrorsTellNoAddress(t *testing.T) {
	c := newClient(t, "http://"+nobody(t), transport(t))
	for name, err := range map[string]error{
		"reset":  c.Reset(t.Context(), from, "mailed-secret", client.Reset{Password: ada.Password}),
		"verify": c.Verify(t.Context(), from, "mailed-secret"),
	} {
		if !errors.Is(err, client.ErrUnavailable) || strings.Contains(err.Error(), "mailed-secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
