package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/test/harness"
)

// TestAccount looks at an account, lets a script act for it, changes it and removes it, in one process and in four.
func TestAccount(t *testing.T) {
	t.Parallel()
	t.Run("one process", func(t *testing.T) {
		t.Parallel()
		checkAccount(t, harness.StartAlone(t, "UNREEL_MAX_DURATION=1h", "UNREEL_RETENTION=0").URL, 3600, 0)
	})
	t.Run("four processes", func(t *testing.T) {
		t.Parallel()
		checkAccount(t, harness.StartCluster(t, harness.Shape{}).URL, 43200, 2592000)
	})
}

func checkAccount(t *testing.T, gateway string, duration, retention float64) {
	t.Helper()
	ada, bob := harness.SignUp(t, gateway, "ada@example.com"), harness.SignUp(t, gateway, "bob@example.com")
	theirs := bob.Upload(t, harness.File(t, mediatest.Video(t, mediatest.Spec{Seconds: 1})))
	session := ada.BeginSession(t).Session(t)
	ada.Token = session.AccessToken
	key := ada.AddKey(t)
	script := harness.Stranger(t, gateway)
	script.Token = key.Key

	id := script.Upload(t, harness.File(t, mediatest.Video(t, mediatest.Spec{Seconds: 1})))
	done := script.Settled(t, id)
	if done.Status != conversion.Completed {
		t.Fatalf("with an API key: %+v", done)
	}
	checkUsage(t, script, done, duration, retention)
	if got := script.Delete(t, "/v1/me"); got.Status != http.StatusForbidden || got.Problem(t) != "needs-log-in" {
		t.Errorf("a script removes the account: %s", got)
	}

	changed := ada.Patch(t, "/v1/me", fmt.Sprintf(`{"email":"ada@example.org","password":"another horse battery","current_password":%q}`, harness.Password))
	var account api.Account
	changed.JSON(t, &account)
	if changed.Status != http.StatusOK || account.Email != "ada@example.org" {
		t.Errorf("change: %s", changed)
	}
	session = ada.RefreshSession(t, session).Session(t) // the one that asked goes on
	ada.Token = session.AccessToken

	link := ada.Post(t, "/v1/conversions/"+id+"/links", "application/json", strings.NewReader("{}"))
	var signed api.Link
	link.JSON(t, &signed)
	if got := ada.Delete(t, "/v1/me"); got.Status != http.StatusNoContent {
		t.Fatalf("remove: %s", got)
	}
	mustEnd(t, ada, session)
	checkGone(t, ada, id)
	if got := script.Get(t, "/v1/conversions"); got.Status != http.StatusOK && got.Status != http.StatusUnauthorized {
		t.Errorf("the script afterwards: %s", got)
	}
	if got := harness.Stranger(t, gateway).Get(t, harness.Path(t, signed.URL)); got.Status != http.StatusNotFound {
		t.Errorf("a signed link afterwards: %s", got)
	}
	if got := bob.Settled(t, theirs); got.Status != conversion.Completed {
		t.Errorf("somebody else's: %+v", got)
	}
	again := harness.SignUp(t, gateway, "ada@example.org")
	if got := again.Get(t, "/v1/conversions"); string(got.Body) != `{"conversions":[]}`+"\n" {
		t.Errorf("a new account has %s", got)
	}
}

func checkUsage(t *testing.T, u *harness.User, done api.Conversion, duration, retention float64) {
	t.Helper()
	var account api.Account
	u.Get(t, "/v1/me").JSON(t, &account)
	if account.Email != "ada@example.com" || account.Usage.Conversions.Completed != 1 || account.Usage.Conversions.Queued != 0 ||
		account.Usage.Bytes != done.Video.Size+done.MP3.Size {
		t.Errorf("account: %+v, want one conversion of %d and %d bytes", account, done.Video.Size, done.MP3.Size)
	}
	limits := account.Limits
	if limits.UploadBytes != 4<<30 || limits.Duration != duration || (limits.Retention == nil) != (retention == 0) ||
		limits.Retention != nil && *limits.Retention != retention {
		raw, _ := json.Marshal(limits)
		t.Errorf("limits: %s", raw)
	}
}

// checkGone holds that who has a token of an account that was removed finds nothing, and can leave nothing.
func checkGone(t *testing.T, u *harness.User, id string) {
	t.Helper()
	if got := u.Get(t, "/v1/me"); got.Status != http.StatusUnauthorized || got.Problem(t) != "invalid-token" {
		t.Errorf("the account afterwards: %s", got)
	}
	if got := u.Get(t, "/v1/conversions/"+id); got.Status != http.StatusNotFound {
		t.Errorf("its conversion: %s", got)
	}
	video := harness.Part{Field: "file", File: "talk.mp4", Content: "x"}
	if got := u.Create(t, "", video); got.Status != http.StatusUnauthorized || got.Problem(t) != "invalid-token" {
		t.Errorf("an upload afterwards: %s", got)
	}
}
