package e2e

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/unreel/unreel/test/harness"
)

// TestAccountByMail confirms an address before the first log-in and gets over a forgotten password, in one process and in
// four.
func TestAccountByMail(t *testing.T) {
	t.Parallel()
	t.Run("one process", func(t *testing.T) {
		t.Parallel()
		s := harness.StartAlone(t, "UNREEL_SIGNUP=verified")
		checkByMail(t, s.URL, func() (mails []string) {
			paths, err := filepath.Glob(filepath.Join(s.Data, "mail", "*.eml"))
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range paths {
				raw, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				mails = append(mails, string(raw))
			}
			return mails
		})
	})
	t.Run("four processes", func(t *testing.T) {
		t.Parallel()
		c := harness.StartCluster(t, harness.Shape{}, "UNREEL_SIGNUP=verified")
		checkByMail(t, c.URL, func() (mails []string) {
			for _, mail := range c.Mail.Mails() {
				mails = append(mails, string(mail.Data))
			}
			return mails
		})
	})
}

// mailedLink is a link to the page with a token.
var mailedLink = regexp.MustCompile(`(http://\S+)/#(reset|verify)=([A-Za-z0-9_-]{43})`)

func checkByMail(t *testing.T, gateway string, mails func() []string) {
	t.Helper()
	// mailed returns the token of the mail that comes as the nth, counted from 0.
	mailed := func(n int, purpose string) (token string) {
		t.Helper()
		harness.Eventually(t, "the mail", func() error {
			all := mails()
			if len(all) <= n {
				return errors.New("not there yet")
			}
			found := mailedLink.FindStringSubmatch(strings.ReplaceAll(all[n], "=\r\n", ""))
			if len(found) == 0 || found[1] != gateway || found[2] != purpose || !strings.Contains(all[n], "ada@example.com") {
				t.Fatalf("mail %d has no link to %s: %s", n, purpose, all[n])
			}
			token = found[3]
			return nil
		})
		return token
	}
	ada := harness.Stranger(t, gateway)
	ada.Email = "ada@example.com"
	post := func(path, body string, status int) harness.Answer {
		t.Helper()
		got := ada.Post(t, path, "application/json", strings.NewReader(body))
		if got.Status != status {
			t.Errorf("%s: %s, want %d", path, got, status)
		}
		return got
	}
	credentials := `{"email":"ada@example.com","password":"` + harness.Password + `"}`
	post("/v1/users", credentials, http.StatusCreated)
	verify := mailed(0, "verify")
	if slug := post("/v1/sessions", credentials, http.StatusForbidden).Problem(t); slug != "not-verified" {
		t.Errorf("problem %q", slug)
	}
	request := ada.Request(t, http.MethodPost, "/login", nil)
	request.SetBasicAuth(ada.Email, harness.Password)
	if got := ada.Do(t, request); got.Status != http.StatusForbidden || !strings.Contains(string(got.Body), "link in the mail") {
		t.Errorf("the original route: %s", got)
	}
	post("/v1/verifications/nonsense", "", http.StatusNotFound)
	post("/v1/verifications/"+verify, "", http.StatusNoContent)
	session := ada.BeginSession(t).Session(t)

	post("/v1/password-resets", `{"email":"nobody@example.com"}`, http.StatusAccepted)
	post("/v1/password-resets", `{"email":"Ada@example.com"}`, http.StatusAccepted)
	reset := "/v1/password-resets/" + mailed(1, "reset")
	post(reset, `{"password":"short"}`, http.StatusUnprocessableEntity)
	post(reset, `{"password":"another horse battery"}`, http.StatusNoContent)
	if slug := post(reset, `{"password":"a third horse battery"}`, http.StatusNotFound).Problem(t); slug != "not-found" {
		t.Errorf("problem %q", slug)
	}
	mustEnd(t, ada, session)
	post("/v1/sessions", credentials, http.StatusUnauthorized)
	post("/v1/sessions", `{"email":"ada@example.com","password":"another horse battery"}`, http.StatusCreated)
	if all := mails(); len(all) != 2 { // the log-ins right after the sign-up sent none
		t.Errorf("%d mails, want 2", len(all))
	}
}
