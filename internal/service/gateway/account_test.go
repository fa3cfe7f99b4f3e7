package gateway

import (
	"errors"
	"net/http"
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
