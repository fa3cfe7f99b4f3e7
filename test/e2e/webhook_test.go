package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/test/harness"
)

// TestWebhooks has a program called about a conversion, in one process and in four.
func TestWebhooks(t *testing.T) {
	t.Parallel()
	t.Run("one process", func(t *testing.T) {
		t.Parallel()
		checkWebhooks(t, harness.StartAlone(t, "UNREEL_WEBHOOKS=any").URL)
	})
	t.Run("four processes", func(t *testing.T) {
		t.Parallel()
		checkWebhooks(t, harness.StartCluster(t, harness.Shape{Notifiers: 2}, "UNREEL_WEBHOOKS=any").URL)
	})
	t.Run("strangers' addresses", func(t *testing.T) {
		t.Parallel()
		ada := harness.SignUp(t, harness.StartAlone(t).URL, "ada@example.com")
		for _, address := range []string{"http://example.com/", "https://127.0.0.1:9090/", "https://169.254.169.254/latest", "https://localhost/"} {
			got := ada.Post(t, "/v1/webhooks", "application/json", strings.NewReader(fmt.Sprintf(`{"url":%q}`, address)))
			if got.Status != http.StatusUnprocessableEntity || got.Problem(t) != "invalid" {
				t.Errorf("%s: %s", address, got)
			}
		}
	})
}

func checkWebhooks(t *testing.T, gateway string) {
	t.Helper()
	ada := harness.SignUp(t, gateway, "ada@example.com")
	calls := make(chan *http.Request, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		calls <- r
	}))
	defer receiver.Close()
	add := func(body string, status int) (hook api.NewWebhook) {
		t.Helper()
		got := ada.Post(t, "/v1/webhooks", "application/json", strings.NewReader(body))
		if got.Status != status {
			t.Fatalf("%s: %s, want %d", body, got, status)
		}
		got.JSON(t, &hook)
		return hook
	}
	add(`{"url":"nonsense"}`, http.StatusUnprocessableEntity)
	add(fmt.Sprintf(`{"url":%q,"events":["everything"]}`, receiver.URL), http.StatusUnprocessableEntity)
	failures := add(fmt.Sprintf(`{"url":%q,"events":["conversion.failed"]}`, receiver.URL+"/failures"), http.StatusCreated)
	all := add(fmt.Sprintf(`{"url":%q}`, receiver.URL+"/all"), http.StatusCreated)

	// Each wanted call comes, whatever the order.
	video := harness.File(t, mediatest.Video(t, mediatest.Spec{Seconds: 1}))
	completed := ada.Created(t, video)
	expectCalls(t, calls, map[string]string{"/all": all.Secret}, "conversion.completed", completed.ID, conversion.Completed)
	broken := ada.Created(t, harness.File(t, mediatest.Text(t)))
	expectCalls(t, calls, map[string]string{"/all": all.Secret, "/failures": failures.Secret}, "conversion.failed", broken.ID, conversion.Failed)

	if got := ada.Delete(t, "/v1/webhooks/"+failures.ID); got.Status != http.StatusNoContent {
		t.Errorf("remove: %s", got)
	}
	if got := ada.Delete(t, "/v1/webhooks/"+failures.ID); got.Status != http.StatusNotFound {
		t.Errorf("remove twice: %s", got)
	}
	var list api.WebhookList
	listed := ada.Get(t, "/v1/webhooks")
	listed.JSON(t, &list)
	if len(list.Webhooks) != 1 || list.Webhooks[0].ID != all.ID || strings.Contains(string(listed.Body), "whsec_") {
		t.Errorf("list: %s", listed)
	}
	if bob := harness.SignUp(t, gateway, "bob@example.com"); bob.Delete(t, "/v1/webhooks/"+all.ID).Status != http.StatusNotFound {
		t.Error("somebody else has removed a webhook")
	}
}

// expectCalls waits for a call of each path, signed with its secret, and for no other.
func expectCalls(t *testing.T, calls <-chan *http.Request, secrets map[string]string, event, id string, status conversion.Status) {
	t.Helper()
	seen := map[string]bool{}
	for range secrets {
		var r *http.Request
		harness.Eventually(t, "the call", func() error {
			select {
			case r = <-calls:
				return nil
			default:
				return errors.New("none")
			}
		})
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		verifier, err := standardwebhooks.NewWebhook(secrets[r.URL.Path])
		if err == nil {
			err = verifier.Verify(body, r.Header)
		}
		var call api.WebhookCall
		if err := errors.Join(err, json.Unmarshal(body, &call)); err != nil || call.Type != event || call.Data.ID != id || call.Data.Status != status || seen[r.URL.Path] {
			t.Errorf("%s: %s, %v", r.URL.Path, body, err)
		}
		seen[r.URL.Path] = true
	}
}
