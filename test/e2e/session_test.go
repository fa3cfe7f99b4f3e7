package e2e

import (
	"net/http"
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
	first := ada.BeginSession(t).Session(t)
	second := ada.RefreshSession(t, first).Session(t)
	ada.Token = second.AccessToken
	if got := ada.Get(t, "/v1/conversions"); got.Status != http.StatusOK {
		t.Errorf("with the new token: %s", got)
	}
	mustEnd(t, ada, first)  // comes a second time
	mustEnd(t, ada, second) // has ended with it

	third := ada.BeginSession(t).Session(t)
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
	session := ada.BeginSession(t).Session(t)
	c.Auths[0].Kill(t)
	got := ada.RefreshSession(t, session)
	if got.Status != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" {
		t.Errorf("refresh without auth: %s, %v", got, got.Header)
	}
	ada.Token = session.AccessToken
	if got := ada.Get(t, "/v1/conversions"); got.Status != http.StatusOK {
		t.Errorf("with a token that was granted before: %s", got)
	}
	c.Auths[0].Start(t)
	c.Auths[0].Ready(t)
	ada.RefreshSession(t, session).Session(t) // it was not spent
}

func mustEnd(t *testing.T, u *harness.User, session api.Session) {
	t.Helper()
	got := u.RefreshSession(t, session)
	if got.Status != http.StatusUnauthorized || got.Problem(t) != "invalid-refresh-token" {
		t.Errorf("a session that has ended: %s", got)
	}
}
