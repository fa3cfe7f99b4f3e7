package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"golang.org/x/sync/errgroup"

	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/test/harness"
)

// browserPatience is for the whole of a test in a browser.
const browserPatience = 4 * time.Minute

// browser starts Chromium with an empty profile, and fails the test for whatever the page's scripts complain of.
func browser(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("host-resolver-rules", "MAP elsewhere.test 127.0.0.1"),
		chromedp.WindowSize(1000, 900),
	)
	ctx, cancel := context.WithTimeout(t.Context(), browserPatience)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	listen := func(event any) {
		if thrown, ok := event.(*runtime.EventExceptionThrown); ok {
			t.Errorf("exception in the page: %+v", thrown.ExceptionDetails)
		}
	}
	// The first call starts the browser.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Listen(ctx, listen); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// TestPage is the main job for a person without curl: sign up, upload, play, download, delete.
func TestPage(t *testing.T) {
	t.Parallel()
	s := harness.StartAlone(t)
	ctx := browser(t)
	video := mediatest.Video(t, mediatest.Spec{Seconds: 3})

	run(t, ctx, "sign up",
		chromedp.Navigate(s.URL),
		chromedp.Click("#switch"),
		chromedp.SendKeys("#email", "ada@example.com"),
		chromedp.SendKeys("#password", harness.Password),
		chromedp.Click("#login-submit"),
		chromedp.WaitVisible("#convert"),
	)
	run(t, ctx, "see what is wrong with a folded option",
		chromedp.SetUploadFiles("#files", []string{video}),
		chromedp.WaitEnabled("#start-upload"),
		chromedp.Click("#options summary"),
		chromedp.SendKeys("#start", "soon"),
		until(`(document.querySelector("#options").open = false) === false`),
		chromedp.Click("#start-upload"),
		until(`document.querySelector("#options").open && document.activeElement.id === "start"`),
		until(`(document.querySelector("#start").value = "") === ""`),
	)
	run(t, ctx, "upload",
		chromedp.Click("#start-upload"),
		chromedp.WaitVisible(`#conversions button[data-action="play"]`),
	)
	row, err := chromedp.Run(ctx, chromedp.Text("#conversions li"))
	if err != nil || !strings.Contains(row, "video.mp4") {
		t.Errorf("row: %q, %v", row, err)
	}

	stayLoggedIn(t, ctx)
	run(t, ctx, "play",
		chromedp.Click(`#conversions button[data-action="play"]`),
		until(`(() => { const a = document.querySelector("audio"); return a && a.duration > 2.9 && a.duration < 3.2 })()`),
	)
	if path := os.Getenv("UNREEL_TEST_SCREENSHOT"); path != "" {
		png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		if err := errors.Join(err, os.WriteFile(path, png, 0o600)); err != nil {
			t.Error(err)
		}
	}

	run(t, ctx, "delete",
		chromedp.Click(`#conversions button[data-action="delete"]`),
		chromedp.WaitVisible(`#confirm button[value="delete"]`),
		chromedp.Click(`#confirm button[value="delete"]`),
		chromedp.WaitNotPresent("#conversions li"),
	)
	run(t, ctx, "upload what is no video",
		chromedp.SetUploadFiles("#files", []string{mediatest.Text(t)}),
		chromedp.WaitEnabled("#start-upload"),
		chromedp.Click("#start-upload"),
		until(`document.querySelector("#conversions")?.textContent.includes("not a video or audio file")`),
	)
	storeMeanwhile(t, ctx)
	other := secondTab(t, ctx, s.URL)
	logOut(t, ctx, s.URL)
	run(t, other, "be logged out by the other tab", chromedp.WaitVisible("#login-submit"))
}

// TestPageFromElsewhere comes in plain text from another machine, as the browser sees it: there tabs cannot take turns with a
// session's refresh tokens, so that each has to have a session of its own.
func TestPageFromElsewhere(t *testing.T) {
	t.Parallel()
	s := harness.StartAlone(t)
	ctx := browser(t)
	run(t, ctx, "sign up",
		chromedp.Navigate(strings.Replace(s.URL, "127.0.0.1", "elsewhere.test", 1)),
		chromedp.Click("#switch"),
		chromedp.SendKeys("#email", "ada@example.com"),
		chromedp.SendKeys("#password", harness.Password),
		chromedp.Click("#login-submit"),
		chromedp.WaitVisible("#convert"),
		until(`localStorage.getItem("unreel.session") === null`),
	)
	run(t, ctx, "go on when the token has ended",
		until(strings.ReplaceAll(endToken, "localStorage", "sessionStorage")),
		chromedp.Reload(),
		until(`JSON.parse(sessionStorage.getItem("unreel.session")).token !== "ended"`),
		chromedp.WaitVisible("#convert"),
		until(`!document.querySelector("#again").open`),
	)
	run(t, ctx, "log in where there are no refresh tokens yet",
		until(withoutRefresh),
		chromedp.Click("#logout"),
		chromedp.SendKeys("#email", "ada@example.com"),
		chromedp.SendKeys("#password", harness.Password),
		chromedp.Click("#login-submit"),
		chromedp.WaitVisible("#convert"),
	)
	run(t, ctx, "be asked for the password when the token has ended",
		until(strings.ReplaceAll(endToken, "localStorage", "sessionStorage")),
		until(tellStored),
		until(`(document.querySelector("#resume").click(), true)`),
		chromedp.WaitVisible("#again"),
	)
}

// withoutRefresh has the service answer as while it is upgraded from a version without refresh tokens.
const withoutRefresh = `(() => {
	const real = window.fetch
	window.fetch = async (...args) => {
		const response = await real(...args)
		if (args[0] !== "/v1/sessions" || args[1].method !== "POST") return response
		const { refresh_token, ...rest } = await response.json()
		return new Response(JSON.stringify(rest), { status: response.status })
	}
	return true
})()`

// endToken makes the page believe that its access token has just ended, which one can't wait for.
const endToken = `(() => {
	const s = JSON.parse(localStorage.getItem("unreel.session"))
	localStorage.setItem("unreel.session", JSON.stringify({ ...s, token: "ended", expires: 0 }))
	return true
})()`

// stayLoggedIn lets the access token end, and finds that nobody is asked for a password.
func stayLoggedIn(t *testing.T, ctx context.Context) {
	t.Helper()
	run(t, ctx, "go on when the token has ended",
		until(endToken),
		chromedp.Reload(),
		until(`JSON.parse(localStorage.getItem("unreel.session")).token !== "ended"`),
		chromedp.WaitVisible(`#conversions button[data-action="play"]`),
		until(`!document.querySelector("#again").open`),
	)
}

// storeMeanwhile has another tab store the session, as it was, while this one waits for its next tokens: they must be kept.
func storeMeanwhile(t *testing.T, ctx context.Context) {
	t.Helper()
	run(t, ctx, "be told of the old session while the next tokens are on their way",
		until(endToken),
		until(`(() => {
			const stored = () => `+tellStored+`
			const real = window.fetch
			window.fetch = async (...args) => {
				const response = await real(...args)
				if (args[0] === "/v1/sessions/refresh") stored()
				return response
			}
			stored()
			document.querySelector("#resume").click()
			return true
		})()`),
		until(`JSON.parse(localStorage.getItem("unreel.session")).token !== "ended"`),
		until(`!document.querySelector("#again").open`),
	)
}

// secondTab opens the page once more and has both tabs ask for the next tokens at once: the refresh token is good once, and
// one that comes twice would end the session. None is reloaded while it asks, for then nobody would get the answer.
func secondTab(t *testing.T, ctx context.Context, url string) context.Context {
	t.Helper()
	other, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	run(t, ctx, "begin anew", chromedp.Reload(), chromedp.WaitVisible(`#conversions li`))
	run(t, other, "open a second tab", chromedp.Navigate(url), chromedp.WaitVisible(`#conversions li`))
	both := []context.Context{ctx, other}
	for _, tab := range both {
		run(t, tab, "make it slow", until(slowRefresh))
	}
	for round := range 5 {
		for _, tab := range both {
			run(t, tab, "let the token end", until(endToken), until(tellStored))
		}
		var tabs errgroup.Group
		for _, tab := range both {
			tabs.Go(func() error {
				return chromedp.Do(tab,
					chromedp.Evaluate[chromedp.Void](`document.querySelector("#resume").click()`),
					until(`JSON.parse(localStorage.getItem("unreel.session")).token !== "ended"`),
					chromedp.WaitVisible(`#conversions li`),
					until(`!document.querySelector("#again").open`),
				)
			})
		}
		if err := tabs.Wait(); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
	return other
}

// tellStored has the page look at the stored session again, as if another tab had just stored it.
const tellStored = `dispatchEvent(new StorageEvent("storage", { key: "unreel.session" }))`

// slowRefresh keeps a request for the next tokens back for so long that one from another tab comes beside it, unless that
// one waits.
const slowRefresh = `(() => {
	const real = window.fetch
	window.fetch = async (...args) => {
		if (args[0] === "/v1/sessions/refresh") await new Promise((go) => setTimeout(go, 300))
		return real(...args)
	}
	return true
})()`

// logOut leaves the page, which ends the session for whoever has its tokens.
func logOut(t *testing.T, ctx context.Context, gateway string) {
	t.Helper()
	kept, err := chromedp.Run(ctx, chromedp.Evaluate[string](refreshToken, chromedp.EvalAwaitPromise))
	if err != nil || kept == "" {
		t.Fatalf("refresh token %q, %v", kept, err)
	}
	run(t, ctx, "log out", chromedp.Click("#logout"), chromedp.WaitVisible("#login-submit"),
		until(`localStorage.getItem("unreel.session") === null`),
		until(`performance.getEntriesByType("resource").some(r => r.name.endsWith("/v1/sessions") && r.responseEnd > 0)`),
	)
	refresh := fmt.Sprintf(`{"refresh_token":%q}`, kept)
	got := harness.Stranger(t, gateway).Post(t, "/v1/sessions/refresh", "application/json", strings.NewReader(refresh))
	if got.Status != 401 {
		t.Errorf("after logging out: %s", got)
	}
}

// refreshToken is what the page keeps in the browser's database.
const refreshToken = `new Promise((found, fail) => {
	const request = indexedDB.open("unreel")
	request.onerror = () => fail(request.error)
	request.onsuccess = () => {
		const read = request.result.transaction("unreel.refresh").objectStore("unreel.refresh").get("unreel.refresh")
		read.onsuccess = () => found(read.result.token)
		request.result.close()
	}
})`

// until waits for an expression to be true.
func until(expression string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Poll[bool](expression)(ctx, target)
		return chromedp.Void{}, err
	}
}

// run does what a person does, and says at which step it did not work.
func run(t *testing.T, ctx context.Context, step string, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, actions...); err != nil {
		body, shown := chromedp.Run(ctx, chromedp.Text("body"))
		t.Fatalf("%s: %v (the page shows %q, %v)", step, err, body, shown)
	}
}
