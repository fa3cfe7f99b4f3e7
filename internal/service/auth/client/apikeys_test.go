package client_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unreel/unreel/internal/service/auth/client"
)

// outage stands before a handler and answers as nobody, where auth is away.
type outage struct {
	http.Handler

	away atomic.Bool
}

func (o *outage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if o.away.Load() {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	o.Handler.ServeHTTP(w, r)
}

// TestAPIKeys makes a key and uses it, while auth is asked seldom, is away, and has forgotten the key.
func TestAPIKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		counter := &counted{Handler: newAuth(t).Handler()}
		door := &outage{Handler: counter}
		c := newClient(t, "http://auth", client.InProcess(door))
		user, err := c.SignUp(t.Context(), from, ada)
		if err != nil {
			t.Fatal(err)
		}
		logIn, err := c.Token(t.Context(), from, ada)
		if err != nil {
			t.Fatal(err)
		}
		authorization := "Bearer " + logIn
		key, err := c.AddAPIKey(t.Context(), from, authorization, client.APIKeyRequest{Name: "backup"})
		if err != nil {
			t.Fatal(err)
		}
		good := func(when string) {
			t.Helper()
			claims, err := c.CheckAPIKey(t.Context(), from, key.Key)
			if err != nil || claims.UserID != user.ID || claims.Username != ada.Email || !claims.APIKey {
				t.Errorf("%s: got %+v, %v", when, claims, err)
			}
		}
		before := counter.requests.Load()
		for range 10 {
			good("at first")
		}
		if asked := counter.requests.Load() - before; asked != 1 {
			t.Errorf("auth was asked %d times", asked)
		}
		pass(2 * time.Minute)
		door.away.Store(true)
		good("while auth is away")
		pass(15 * time.Minute)
		if _, err := c.CheckAPIKey(t.Context(), from, key.Key); !errors.Is(err, client.ErrUnavailable) {
			t.Errorf("when auth was away for long: got %v, want ErrUnavailable", err)
		}
		door.away.Store(false)
		good("when auth is back")

		if logIn, err = c.Token(t.Context(), from, ada); err != nil {
			t.Fatal(err)
		}
		if err := c.RemoveAPIKey(t.Context(), from, "Bearer "+logIn, key.ID); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		for range 2 {
			if _, err := c.CheckAPIKey(t.Context(), from, key.Key); !errors.Is(err, client.ErrBadToken) {
				t.Errorf("a key that was removed: got %v, want ErrBadToken", err)
			}
		}
		door.away.Store(true)
		if _, err := c.CheckAPIKey(t.Context(), from, key.Key); !errors.Is(err, client.ErrUnavailable) {
			t.Errorf("the same while auth is away: got %v, want ErrUnavailable", err)
		}
	})
}

func TestWrongAPIKeys(t *testing.T) {
	c := newClient(t, "http://auth", client.InProcess(newAuth(t).Handler()))
	if _, err := c.CheckAPIKey(t.Context(), from, "unreel_"+strings.Repeat("a", 1<<20)); !errors.Is(err, client.ErrBadToken) {
		t.Errorf("a long one: got %v, want ErrBadToken", err)
	}
	for range 30 {
		if _, err := c.CheckAPIKey(t.Context(), from, "unreel_guessed"); !errors.Is(err, client.ErrBadToken) {
			t.Errorf("got %v, want ErrBadToken", err)
		}
	}
	_, err := c.CheckAPIKey(t.Context(), from, "unreel_guessed")
	_ = mustRefuse(t, err, http.StatusTooManyRequests, "/problems/refused")
	if _, err := c.CheckAPIKey(t.Context(), "192.0.2.7", "unreel_guessed"); !errors.Is(err, client.ErrBadToken) {
		t.Errorf("from elsewhere: got %v, want ErrBadToken", err)
	}
}
