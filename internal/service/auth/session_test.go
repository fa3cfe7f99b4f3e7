package auth_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unreel/unreel/internal/service/auth"
	"github.com/unreel/unreel/internal/service/auth/client"
)

const day = 24 * time.Hour

func sessionOf(t *testing.T, response *http.Response) client.Session {
	t.Helper()
	var session client.Session
	if err := json.Unmarshal([]byte(mustStatus(t, response, http.StatusCreated)), &session); err != nil {
		t.Fatal(err)
	}
	if session.AccessToken == "" || session.TokenType != "Bearer" || session.ExpiresIn != 900 || len(session.RefreshToken) < 43 {
		t.Fatal("the answer is no session")
	}
	if got := response.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	return session
}

func (b *bench) begin(t *testing.T) client.Session {
	t.Helper()
	return sessionOf(t, b.call(t, "POST", "/sessions", credentials(email, password)))
}

func refreshBody(token string) string { return `{"refresh_token":"` + token + `"}` }

func (b *bench) refresh(t *testing.T, token string, change ...func(*http.Request)) *http.Response {
	t.Helper()
	return b.call(t, "POST", "/sessions/refresh", refreshBody(token), change...)
}

func (b *bench) mustRefuse(t *testing.T, token string) {
	t.Helper()
	_ = mustProblem(t, b.refresh(t, token), http.StatusUnauthorized, "invalid-refresh-token")
}

func TestRefresh(t *testing.T) {
	b := newBench(t)
	b.add(t, email, password, false)
	first := b.begin(t)
	if err := b.service.Accounts().SetAdmin(t.Context(), email, true); err != nil {
		t.Fatal(err)
	}
	second := sessionOf(t, b.refresh(t, first.RefreshToken))
	if second.AccessToken == first.AccessToken || second.RefreshToken == first.RefreshToken {
		t.Error("a token was given twice")
	}
	before, after := claimsOf(t, b, first), claimsOf(t, b, second)
	if before["sid"] == "" || before["sid"] != after["sid"] || before["jti"] == after["jti"] || before["sub"] != after["sub"] {
		t.Errorf("claims %v, then %v", before, after)
	}
	if before["admin"] != false || after["admin"] != true {
		t.Error("the new token does not have the account's rights of now")
	}
}

func claimsOf(t *testing.T, b *bench, session client.Session) (claims map[string]any) {
	t.Helper()
	body := mustStatus(t, b.call(t, "POST", "/validate", "", bearer(session.AccessToken)), http.StatusOK)
	if err := json.Unmarshal([]byte(body), &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestReuseEndsTheSession(t *testing.T) {
	b := newBench(t)
	b.add(t, email, password, false)
	other, first := b.begin(t), b.begin(t)
	last := sessionOf(t, b.refresh(t, sessionOf(t, b.refresh(t, first.RefreshToken)).RefreshToken))
	b.mustRefuse(t, first.RefreshToken)
	b.mustRefuse(t, last.RefreshToken)
	sessionOf(t, b.refresh(t, other.RefreshToken))
	log := b.log.String()
	if !strings.Contains(log, "used twice") {
		t.Error("the log does not tell of it")
	}
	for _, secret := range []string{first.RefreshToken, last.RefreshToken, last.AccessToken} {
		if strings.Contains(log, secret) {
			t.Error("the log has a token")
		}
	}
}

// TestManyRefreshAtOnce holds that of one token at most one new one comes, which is no good afterwards.
func TestManyRefreshAtOnce(t *testing.T) {
	b := newBench(t)
	b.add(t, email, password, false)
	first := b.begin(t)
	responses := make([]*http.Response, 8)
	var all sync.WaitGroup
	for i := range responses {
		all.Go(func() { responses[i] = b.refresh(t, first.RefreshToken) })
	}
	all.Wait()
	var won []client.Session
	for _, response := range responses {
		if response.StatusCode == http.StatusCreated {
			won = append(won, sessionOf(t, response))
		} else {
			mustStatus(t, response, http.StatusUnauthorized)
		}
	}
	if len(won) != 1 {
		t.Fatalf("%d got new tokens", len(won))
	}
	b.mustRefuse(t, won[0].RefreshToken)
}

func TestSessionExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.add(t, email, password, false)
		unused, used := b.begin(t), b.begin(t)
		pass(29 * day)
		used = sessionOf(t, b.refresh(t, used.RefreshToken))
		pass(day)
		b.mustRefuse(t, unused.RefreshToken)
		used = sessionOf(t, b.refresh(t, used.RefreshToken))
		for range 11 {
			pass(29 * day)
			used = sessionOf(t, b.refresh(t, used.RefreshToken))
		}
		pass(16 * day) // which makes a year
		b.mustRefuse(t, used.RefreshToken)
	})
}

func TestLogOut(t *testing.T) {
	b := newBench(t)
	b.add(t, email, password, false)
	byBody, byHeader, other := b.begin(t), b.begin(t), b.begin(t)
	for range 2 {
		mustStatus(t, b.call(t, "DELETE", "/sessions", refreshBody(byBody.RefreshToken)), http.StatusNoContent)
		mustStatus(t, b.call(t, "DELETE", "/sessions", "", bearer(byHeader.AccessToken)), http.StatusNoContent)
	}
	mustStatus(t, b.call(t, "DELETE", "/sessions", "", bearer(b.logIn(t, email, password))), http.StatusNoContent)
	mustStatus(t, b.call(t, "DELETE", "/sessions", refreshBody("nonsense")), http.StatusNoContent)
	_ = mustProblem(t, b.call(t, "DELETE", "/sessions", ""), http.StatusUnauthorized, "missing-credentials")
	_ = mustProblem(t, b.call(t, "DELETE", "/sessions", "", bearer("nonsense")), http.StatusUnauthorized, "invalid-token")
	b.mustRefuse(t, byBody.RefreshToken)
	b.mustRefuse(t, byHeader.RefreshToken)
	sessionOf(t, b.refresh(t, other.RefreshToken))
	mustStatus(t, b.call(t, "POST", "/validate", "", bearer(byBody.AccessToken)), http.StatusOK) // until it expires
}

func TestAccountEndsSessions(t *testing.T) {
	ends := map[string]func(*auth.Accounts) error{
		"password": func(a *auth.Accounts) error { return a.SetPassword(t.Context(), email, "another horse battery") },
		"removed":  func(a *auth.Accounts) error { return a.Remove(t.Context(), email) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.add(t, email, password, false)
			session := b.begin(t)
			if err := end(b.service.Accounts()); err != nil {
				t.Fatal(err)
			}
			b.mustRefuse(t, session.RefreshToken)
		})
	}
}

func TestBadRefreshTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.add(t, email, password, false)
		good := b.begin(t).RefreshToken
		_ = mustProblem(t, b.call(t, "POST", "/sessions/refresh", "{}"), http.StatusUnprocessableEntity, "invalid")
		bad := []string{"x", good[1:], good + "A", strings.Repeat("!", len(good)), strings.Repeat("A", len(good))}
		for i := range 30 {
			_ = mustProblem(t, b.refresh(t, bad[i%len(bad)], from("192.0.2.7")), http.StatusUnauthorized, "invalid-refresh-token")
		}
		response := b.refresh(t, good, from("192.0.2.7"))
		mustLimitOf(t, response, "refresh", "q=30;w=60", "2")
		_ = mustProblem(t, response, http.StatusTooManyRequests, "too-many-refreshes")
		sessionOf(t, b.refresh(t, good, from("192.0.2.8")))
	})
}
