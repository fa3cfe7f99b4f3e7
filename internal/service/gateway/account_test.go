package gateway

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/service/auth/client"
	"github.com/unreel/unreel/internal/store/ledger"
)

// TestRemovalWithoutAuth holds that nothing of an account is removed while auth cannot remove the account.
func TestRemovalWithoutAuth(t *testing.T) {
	w := newWorld(t)
	w.upload([]byte("video"))
	id := w.faults.last
	working := w.accounts
	away, err := client.New("http://127.0.0.1:1", nil, w.logger)
	w.must(err)
	w.accounts = away
	response, body := w.do("DELETE", "/v1/me", nil)
	w.wantProblem(response, body, http.StatusServiceUnavailable, "unavailable")
	if record, err := w.ledger.Get(t.Context(), w.ada.UserID, id); err != nil || record.Status != conversion.Queued {
		t.Errorf("the conversion: %+v, %v", record, err)
	}

	w.accounts = working
	response, body = w.do("DELETE", "/v1/me", nil)
	if response.StatusCode != http.StatusNoContent {
		t.Fatalf("got %d %s", response.StatusCode, body)
	}
	if record, err := w.ledger.Peek(t.Context(), id); err != nil || record.Status != conversion.Deleted || record.FilesDue.IsZero() {
		t.Errorf("the conversion: %+v, %v", record, err)
	}
	response, body = w.upload([]byte("late"))
	w.wantProblem(response, body, http.StatusUnauthorized, "invalid-token")
}

// TestUploadWhileTheAccountEnds removes an account while a video of its is being stored.
func TestUploadWhileTheAccountEnds(t *testing.T) {
	w := newWorld(t)
	w.faults.committing = func() {
		if _, err := w.ledger.Close(t.Context(), w.ada.UserID); err != nil {
			t.Error(err)
		}
	}
	response, body := w.upload([]byte("video"))
	w.wantProblem(response, body, http.StatusRequestTimeout, "upload-stalled")
	if _, err := w.ledger.Get(t.Context(), w.ada.UserID, w.faults.last); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("the conversion: %v, want ErrNotFound", err)
	}
	if ids := w.videos(); len(ids) != 0 {
		t.Errorf("left behind: %v", ids)
	}
}

// TestLogInIsNeeded has a key, and a token whose session has ended, do what takes somebody who has logged in.
func TestLogInIsNeeded(t *testing.T) {
	w := newWorld(t)
	session, err := w.accounts.LogIn(t.Context(), "127.0.0.1", client.Credentials{Email: "ada@example.com", Password: "correct horse battery"})
	w.must(err)
	key, err := w.accounts.AddAPIKey(t.Context(), "127.0.0.1", "Bearer "+w.token, client.APIKeyRequest{})
	w.must(err)
	webhook := func() (*http.Response, []byte) {
		return w.do("POST", "/v1/webhooks", strings.NewReader(`{"url":"https://example.com/hook"}`), "Content-Type", "application/json")
	}
	w.token = key.Key
	response, body := webhook()
	w.wantProblem(response, body, http.StatusForbidden, "needs-log-in")
	response, body = w.do("DELETE", "/v1/sessions", nil)
	w.wantProblem(response, body, http.StatusForbidden, "needs-log-in")

	w.token = session.AccessToken
	if response, body = webhook(); response.StatusCode != http.StatusCreated {
		t.Errorf("got %d %s", response.StatusCode, body)
	}
	if response, body = w.do("DELETE", "/v1/sessions", nil); response.StatusCode != http.StatusNoContent {
		t.Errorf("got %d %s", response.StatusCode, body)
	}
	response, body = webhook()
	w.wantProblem(response, body, http.StatusUnauthorized, "invalid-token")
	response, body = w.do("DELETE", "/v1/me", nil)
	w.wantProblem(response, body, http.StatusUnauthorized, "invalid-token")
	if hooks, err := w.ledger.Webhooks().Webhooks(t.Context(), w.ada.UserID); err != nil || len(hooks) != 1 {
		t.Errorf("webhooks: %+v, %v", hooks, err)
	}
}
