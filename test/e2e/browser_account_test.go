package e2e

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/unreel/unreel/test/harness"
)

// TestPageAccount is what a person does with the account: look at it, make a key, change it, and remove it.
func TestPageAccount(t *testing.T) {
	t.Parallel()
	s := harness.StartAlone(t)
	ctx := browser(t)
	run(t, ctx, "sign up",
		chromedp.Navigate(s.URL),
		chromedp.Click("#switch"),
		chromedp.SendKeys("#email", "ada@example.com"),
		chromedp.SendKeys("#password", harness.Password),
		chromedp.Click("#login-submit"),
		chromedp.WaitVisible("#convert"),
	)
	run(t, ctx, "look at the account",
		chromedp.Click("#account-email"),
		until(`document.querySelector("#account-usage").textContent.includes("0 conversions")`),
		until(`document.querySelector("#account-usage").textContent.includes("30 days")`),
	)
	run(t, ctx, "make a key",
		until(open(`#key-form`)),
		chromedp.SendKeys("#key-name", "backup"),
		chromedp.Click("#key-form button[type=submit]"),
		chromedp.WaitVisible("#key-made"),
		until(`document.querySelector("#key-list").textContent.includes("backup")`),
	)
	screenshot(t, ctx, "account")
	key, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector("#key-made").value`))
	if err != nil {
		t.Fatal(err)
	}
	script := harness.Stranger(t, s.URL)
	script.Token = key
	if got := script.Get(t, "/v1/conversions"); got.Status != http.StatusOK {
		t.Errorf("the key: %s", got)
	}
	run(t, ctx, "remove the key",
		chromedp.Click("#key-list .remove"),
		until(`document.querySelectorAll("#key-list li").length === 0`),
	)
	changeAccount(t, ctx)
	ada := harness.Stranger(t, s.URL)
	credentials := `{"email":"ada@example.org","password":"another horse battery"}`
	if got := ada.Post(t, "/v1/sessions", "application/json", strings.NewReader(credentials)); got.Status != http.StatusCreated {
		t.Errorf("log in after the changes: %s", got)
	}
	run(t, ctx, "remove the account",
		chromedp.Click("#account-remove"),
		chromedp.WaitVisible("#confirm-action"),
		chromedp.Click("#confirm-action"),
		chromedp.WaitVisible("#login-submit"),
		until(`localStorage.getItem("unreel.session") === null`),
	)
	if got := ada.Post(t, "/v1/sessions", "application/json", strings.NewReader(credentials)); got.Status != http.StatusUnauthorized {
		t.Errorf("log in afterwards: %s", got)
	}
}

// changeAccount changes the password and then the address, in the dialog.
func changeAccount(t *testing.T, ctx context.Context) {
	t.Helper()
	run(t, ctx, "be told of a wrong password",
		until(open(`#password-change`)),
		chromedp.SendKeys("#old-password", "wrong horse battery"),
		chromedp.SendKeys("#new-password", "another horse battery"),
		chromedp.Click("#password-change button[type=submit]"),
		until(`document.querySelector("#password-change-error").textContent.includes("Current password is not")`),
	)
	run(t, ctx, "change the password",
		until(`(document.querySelector("#old-password").value = "") === ""`),
		chromedp.SendKeys("#old-password", harness.Password),
		chromedp.Click("#password-change button[type=submit]"),
		until(`document.querySelector("#password-change-done").textContent.includes("is changed")`),
	)
	run(t, ctx, "change the address",
		until(open(`#address-change`)),
		chromedp.SendKeys("#new-email", "Ada@example.org"),
		chromedp.SendKeys("#address-password", "another horse battery"),
		chromedp.Click("#address-change button[type=submit]"),
		until(`document.querySelector("#address-change-done").textContent.includes("ada@example.org now")`),
		until(`document.querySelector("#account-email").textContent === "ada@example.org"`),
	)
	run(t, ctx, "go on with the session under the new address",
		until(endToken), until(tellStored),
		chromedp.Click("#account-close"),
		chromedp.Click("#account-email"),
		until(`document.querySelector("#account-usage").textContent.includes("0 conversions")`),
		until(`!document.querySelector("#again").open`),
	)
}

// open unfolds what an element is in.
func open(element string) string {
	return `(document.querySelector("` + element + `").closest("details").open = true)`
}

// screenshot keeps a picture of the page if somebody wants to look at it.
func screenshot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	path := os.Getenv("UNREEL_TEST_SCREENSHOT")
	if path == "" {
		return
	}
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err := errors.Join(err, os.WriteFile(path+"."+name+".png", png, 0o600)); err != nil {
		t.Error(err)
	}
}

// TestPageByMail follows the links that come by mail: of a new account, and for a forgotten password.
func TestPageByMail(t *testing.T) {
	t.Parallel()
	s := harness.StartAlone(t, "UNREEL_SIGNUP=verified")
	// link waits for the nth mail and returns the link in it.
	link := func(n int) (link string) {
		harness.Eventually(t, "the mail", func() error {
			paths, err := filepath.Glob(filepath.Join(s.Data, "mail", "*.eml"))
			if err != nil || len(paths) < n {
				return errors.Join(err, errors.New("not there"))
			}
			raw, err := os.ReadFile(paths[n-1])
			link = mailedLink.FindString(string(raw))
			return err
		})
		return link
	}
	ctx := browser(t)
	run(t, ctx, "sign up",
		chromedp.Navigate(s.URL),
		chromedp.Click("#switch"),
		chromedp.SendKeys("#email", "ada@example.com"),
		chromedp.SendKeys("#password", harness.Password),
		chromedp.Click("#login-submit"),
		until(`document.querySelector("#login-notice").textContent.includes("mail with a link")`),
	)
	screenshot(t, ctx, "signed-up")
	run(t, ctx, "confirm the address",
		chromedp.Navigate(link(1)),
		until(`document.querySelector("#message").textContent.includes("confirmed")`),
		until(`location.hash === ""`),
		until(`(document.querySelector("#email").value = document.querySelector("#password").value = "") === ""`),
		chromedp.SendKeys("#email", "ada@example.com"),
		chromedp.SendKeys("#password", harness.Password),
		chromedp.Click("#login-submit"),
		chromedp.WaitVisible("#convert"),
	)
	run(t, ctx, "forget the password",
		chromedp.Click("#logout"),
		chromedp.Click("#forgot"),
		until(`document.querySelector("#password-field").hidden`),
		chromedp.SendKeys("#email", "ada@example.com"),
		chromedp.Click("#login-submit"),
		until(`document.querySelector("#login-notice").textContent.includes("on its way")`),
	)
	run(t, ctx, "choose another",
		chromedp.Navigate(link(2)),
		until(`document.querySelector("#login-title").textContent === "Choose another password"`),
		until(`location.hash === "" && document.querySelector("#email-field").hidden`),
		chromedp.SendKeys("#password", "short"),
		chromedp.Click("#login-submit"),
		until(`document.querySelector("#login-error").textContent.includes("at least 8 characters")`),
	)
	screenshot(t, ctx, "reset")
	run(t, ctx, "choose one that will do",
		until(`(document.querySelector("#password").value = "") === ""`),
		chromedp.SendKeys("#password", "another horse battery"),
		chromedp.Click("#login-submit"),
		until(`document.querySelector("#login-notice").textContent.includes("is changed")`),
	)
	run(t, ctx, "log in with it",
		until(`(document.querySelector("#email").value = "") === ""`),
		chromedp.SendKeys("#email", "ada@example.com"),
		chromedp.SendKeys("#password", "another horse battery"),
		chromedp.Click("#login-submit"),
		chromedp.WaitVisible("#convert"),
	)
	run(t, ctx, "be told of a link that was used",
		chromedp.Navigate(link(2)),
		chromedp.WaitVisible("#login-submit"),
		chromedp.SendKeys("#password", "a third horse battery"),
		chromedp.Click("#login-submit"),
		until(`document.querySelector("#login-error").textContent.includes("Ask for another mail")`),
	)
}
