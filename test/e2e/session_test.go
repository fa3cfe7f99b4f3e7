package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/test/harness"
)

// TestSessions goes on with a session, uses a token twice, and logs out, in one process and in four.
func TestSessions(t *testing.T) {
	t.Parallel()
	t.Run("one process", func(t *testing.T) {
		t.Parallel()
		checkSessions(t, harness.StartAlone(t).URL)
	})
	t.Run("four processes", func(t *testing.T) {
		t.Parallel()
		c := harness.StartCluster(t, harness.Shape{})
		checkSessions(t, c.URL)
		checkAuthAway(t, c)
	})
}

func checkSessions(t *testing.T, gateway string) {
	t.Helper()
	ada := harness.SignUp(t, gateway, "ada@example.com")
	first := granted(t, logIn(t, ada))
	second := granted(t, refresh(t, ada, first))
	ada.Token = second.AccessToken
	if got := ada.Get(t, "/v1/conversions"); got.Status != http.StatusOK {
		t.Errorf("with the new token: %s", got)
	}
	mustEnd(t, ada, first)  // comes a second time
	mustEnd(t, ada, second) // has ended with it

	third := granted(t, logIn(t, ada))
	ada.Token = third.AccessToken
	if got := ada.Delete(t, "/v1/sessions"); got.Status != http.StatusNoContent {
		t.Errorf("log out: %s", got)
	}
	mustEnd(t, ada, third)
}

// checkAuthAway holds that without auth nobody gets new tokens, and who has one goes on.
func checkAuthAway(t *testing.T, c *harness.Cluster) {
	t.Helper()
	ada := harness.SignUp(t, c.URL, "grace@example.com")
	session := granted(t, logIn(t, ada))
	c.Auths[0].Kill(t)
	got := refresh(t, ada, session)
	if got.Status != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" {
		t.Errorf("refresh without auth: %s, %v", got, got.Header)
	}
	ada.Token = session.AccessToken
	if got := ada.Get(t, "/v1/conversions"); got.Status != http.StatusOK {
		t.Errorf("with a token that was granted before: %s", got)
	}
	c.Auths[0].Start(t)
	c.Auths[0].Ready(t)
	granted(t, refresh(t, ada, session)) // it was not spent
}

func logIn(t *testing.T, u *harness.User) harness.Answer {
	t.Helper()
	body := fmt.Sprintf(`{"email":%q,"password":%q}`, u.Email, harness.Password)
	return u.Post(t, "/v1/sessions", "application/json", strings.NewReader(body))
}

func refresh(t *testing.T, u *harness.User, session api.Session) harness.Answer {
	t.Helper()
	body := fmt.Sprintf(`{"refresh_token":%q}`, *session.RefreshToken)
	return harness.Stranger(t, u.URL).Post(t, "/v1/sessions/refresh", "application/json", strings.NewReader(body))
}

func granted(t *testing.T, answer harness.Answer) api.Session {
	t.Helper()
	if answer.Status != http.StatusCreated {
		t.Fatalf("no session: %s", answer)
	}
	var session api.Session
	answer.JSON(t, &session)
	if session.RefreshToken == nil || session.AccessToken == "" || session.TokenType != "Bearer" {
		t.Fatal("the answer is no session")
	}
	return session
}

func mustEnd(t *testing.T, u *harness.User, session api.Session) {
	t.Helper()
	got := refresh(t, u, session)
	if got.Status != http.StatusUnauthorized || got.Problem(t) != "invalid-refresh-token" {
		t.Errorf("a session that has ended: %s", got)
	}
}
