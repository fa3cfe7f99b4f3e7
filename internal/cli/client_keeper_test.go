package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/unreel/unreel/api"
)

// sessionServer grants new tokens for its latest refresh token, once, and serves the list to its latest token.
type sessionServer struct {
	mu      sync.Mutex
	turn    int
	refused int // refresh tokens that were not the latest
	ended   string
}

func (s *sessionServer) routes(t *testing.T) map[string]http.HandlerFunc {
	shown := func(r *http.Request) string {
		var body api.Refresh
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		if r.Header.Get("Authorization") != "" {
			t.Error("an access token was sent along with a refresh token")
		}
		return body.RefreshToken
	}
	return map[string]http.HandlerFunc{
		"POST /v1/sessions/refresh": func(w http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if shown(r) != fmt.Sprint("refresh-", s.turn) {
				s.refused++
				refuse(http.StatusUnauthorized, "invalid-refresh-token", "The session has ended.")(w, r)
				return
			}
			s.turn++
			next := fmt.Sprint("refresh-", s.turn)
			answer(http.StatusCreated, api.Session{AccessToken: fmt.Sprint("token-", s.turn), ExpiresIn: 900, RefreshToken: &next})(w, r)
		},
		"DELETE /v1/sessions": func(w http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.ended = shown(r)
			w.WriteHeader(http.StatusNoContent)
		},
		"GET /v1/conversions": func(w http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if r.Header.Get("Authorization") != fmt.Sprint("Bearer token-", s.turn) {
				refuse(http.StatusUnauthorized, "invalid-token", "The token has expired.")(w, r)
				return
			}
			answer(http.StatusOK, api.ConversionList{Conversions: []api.Conversion{}})(w, r)
		},
	}
}

func keep(t *testing.T, s session) {
	t.Helper()
	if err := s.save(); err != nil {
		t.Fatal(err)
	}
}

func TestRefreshBeforeTheTokenEnds(t *testing.T) {
	tests := map[string]struct {
		left  time.Duration
		token string
		turns int
	}{
		"good":    {time.Hour, "token-1", 1},
		"ending":  {10 * time.Second, "token-1", 2},
		"ended":   {-time.Hour, "token-1", 2},
		"refused": {time.Hour, "token-0", 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			kept := &sessionServer{turn: 1}
			server := fakeGateway(t, kept.routes(t))
			fresh(t)
			keep(t, session{Server: server.URL, Email: testEmail, Token: test.token, RefreshToken: "refresh-1", ExpiresAt: time.Now().Add(test.left)})
			run(t, "list").expect(t, exitDone)
			run(t, "list").expect(t, exitDone)
			stored, err := loadSession()
			if err != nil || stored.RefreshToken != fmt.Sprint("refresh-", test.turns) || kept.turn != test.turns || kept.refused != 0 {
				t.Errorf("%d turns, %d refused, kept %s, %v", kept.turn, kept.refused, stored.RefreshToken, err)
			}
			path, err := sessionPath()
			if err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("stored with %v, %v", info.Mode(), err)
			}
		})
	}
}

func TestCommandsTakeTurns(t *testing.T) {
	kept := &sessionServer{turn: 1}
	server := fakeGateway(t, kept.routes(t))
	fresh(t)
	keep(t, session{Server: server.URL, Email: testEmail, Token: "token-0", RefreshToken: "refresh-1", ExpiresAt: time.Now()})
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() { runWith(t.Context(), "", "list").expect(t, exitDone) })
	}
	all.Wait()
	if kept.turn != 2 || kept.refused != 0 {
		t.Errorf("%d turns, %d refused, want one refresh for all", kept.turn, kept.refused)
	}
}

func TestEndedSessionSaysToLogInAgain(t *testing.T) {
	kept := &sessionServer{turn: 7}
	server := fakeGateway(t, kept.routes(t))
	fresh(t)
	keep(t, session{Server: server.URL, Email: testEmail, Token: "token-0", RefreshToken: "refresh-1", ExpiresAt: time.Now()})
	run(t, "list").expect(t, exitFailed, "log in again: unreel login "+testEmail)
}

func TestLogout(t *testing.T) {
	kept := &sessionServer{turn: 1}
	server := fakeGateway(t, kept.routes(t))
	fresh(t)
	keep(t, session{Server: server.URL, Email: testEmail, Token: "token-1", RefreshToken: "refresh-1", ExpiresAt: time.Now()})
	run(t, "logout").expect(t, exitDone)
	if kept.ended != "refresh-1" {
		t.Errorf("ended %q", kept.ended)
	}
	run(t, "logout").expect(t, exitDone)
	run(t, "list").expect(t, exitFailed, "not logged in")
}
