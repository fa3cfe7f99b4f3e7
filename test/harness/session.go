package harness

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/unreel/unreel/api"
)

// BeginSession logs in for a session, and leaves the user's token as it is.
func (u *User) BeginSession(t testing.TB) Answer {
	t.Helper()
	body := fmt.Sprintf(`{"email":%q,"password":%q}`, u.Email, Password)
	return Stranger(t, u.URL).Post(t, "/v1/sessions", "application/json", strings.NewReader(body))
}

// RefreshSession asks for a session's next tokens, with nothing but its refresh token.
func (u *User) RefreshSession(t testing.TB, session api.Session) Answer {
	t.Helper()
	body := fmt.Sprintf(`{"refresh_token":%q}`, *session.RefreshToken)
	return Stranger(t, u.URL).Post(t, "/v1/sessions/refresh", "application/json", strings.NewReader(body))
}

// Session is the session that was granted.
func (a Answer) Session(t testing.TB) api.Session {
	t.Helper()
	if a.Status != http.StatusCreated {
		t.Fatalf("no session: %s", a)
	}
	var session api.Session
	a.JSON(t, &session)
	if session.RefreshToken == nil || session.AccessToken == "" || session.TokenType != "Bearer" {
		t.Fatal("the answer is no session")
	}
	return session
}
