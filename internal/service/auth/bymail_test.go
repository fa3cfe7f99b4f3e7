package auth_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unreel/unreel/internal/mail"
	mailfile "github.com/unreel/unreel/internal/mail/file"
	"github.com/unreel/unreel/internal/service/auth"
	"github.com/unreel/unreel/internal/service/auth/client"
	"github.com/unreel/unreel/internal/store/users"
	"github.com/unreel/unreel/test/harness"
)

func verified(config *auth.Config) {
	config.Signup, config.PublicURL = auth.SignupVerified, "https://mp3.example.com/"
}

// send has the service send its mails until the test ends.
func (b *bench) send(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- b.service.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

var link = regexp.MustCompile(`https://mp3\.example\.com/#(reset|verify)=([A-Za-z0-9_-]{43})\s`)

// mailed waits until there are so many mails, and returns the newest's recipient, subject and token.
func (b *bench) mailed(t *testing.T, count int) (to, subject, token string) {
	t.Helper()
	harness.Eventually(t, "the mail", func() error {
		paths, err := filepath.Glob(filepath.Join(b.mails, "*.eml"))
		if err != nil || len(paths) != count {
			return errors.Join(errors.New("not there"), err)
		}
		raw, err := os.ReadFile(paths[count-1])
		if err != nil {
			return err
		}
		found := link.FindStringSubmatch(string(raw))
		if found == nil {
			t.Fatalf("no link in %s", raw)
		}
		to, subject, token = headerOf(string(raw), "To"), headerOf(string(raw), "Subject"), found[2]
		return nil
	})
	return to, subject, token
}

func headerOf(raw, name string) string {
	_, rest, _ := strings.Cut(raw, "\r\n"+name+": ")
	value, _, _ := strings.Cut(rest, "\r\n")
	return value
}

func TestSignUpVerified(t *testing.T) {
	b := newBench(t, verified)
	b.send(t)
	_ = mustStatus(t, b.call(t, "POST", "/users", credentials(email, password)), http.StatusCreated)
	to, subject, token := b.mailed(t, 1)
	if to != "<ada@example.com>" || subject != "Confirm your address" {
		t.Errorf("a mail to %q about %q", to, subject)
	}
	_ = mustProblem(t, b.call(t, "POST", "/sessions", credentials(email, "wrong horse battery")), http.StatusUnauthorized, "invalid-credentials")
	_ = mustProblem(t, b.call(t, "POST", "/sessions", credentials(email, password)), http.StatusForbidden, "not-verified")
	if got := mustStatus(t, b.call(t, "POST", "/login", "", basic(email, password)), http.StatusForbidden); !strings.Contains(got, "mail") {
		t.Errorf("got %q", got)
	}
	b.mailed(t, 1) // and no other yet
	_ = mustProblem(t, b.call(t, "POST", "/verifications/"+token+"x", ""), http.StatusNotFound, "not-found")
	_ = mustProblem(t, b.call(t, "POST", "/password-resets/"+token, `{"password":"another horse battery"}`), http.StatusNotFound, "not-found")
	for range 2 {
		_ = mustStatus(t, b.call(t, "POST", "/verifications/"+token, ""), http.StatusNoContent)
	}
	sessionOf(t, b.call(t, "POST", "/sessions", credentials(email, password)))
	if log := b.log.String(); strings.Contains(log, token) || strings.Contains(log, email) {
		t.Error("the log has a token or an address")
	}
	b.add(t, "grace@example.com", password, true) // by an administrator
	sessionOf(t, b.call(t, "POST", "/sessions", credentials("grace@example.com", password)))
}

// TestLogInAsksAgain has a log-in send another mail, but not beside the one for the sign-up that it follows.
func TestLogInAsksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, verified)
		_ = mustStatus(t, b.call(t, "POST", "/users", credentials(email, password)), http.StatusCreated)
		for want := 1; want <= 3; want++ {
			for range 2 {
				_ = mustProblem(t, b.call(t, "POST", "/sessions", credentials(email, password)), http.StatusForbidden, "not-verified")
			}
			if letters, err := b.store.ClaimLetters(t.Context(), time.Now(), time.Now(), 10); err != nil || len(letters) != want {
				t.Errorf("%d letters, %v, want %d", len(letters), err, want)
			}
			pass(time.Minute)
		}
	})
}

func TestResetByMail(t *testing.T) {
	b := newBench(t, verified)
	b.send(t)
	_ = mustStatus(t, b.call(t, "POST", "/users", credentials(email, password)), http.StatusCreated)
	_, _, verification := b.mailed(t, 1)
	_ = mustStatus(t, b.call(t, "POST", "/password-resets", `{"email":"nobody@example.com"}`), http.StatusAccepted)
	_ = mustStatus(t, b.call(t, "POST", "/password-resets", `{"email":" Ada@example.com"}`), http.StatusAccepted)
	to, subject, token := b.mailed(t, 2)
	if to != "<ada@example.com>" || subject != "Choose another password" {
		t.Errorf("a mail to %q about %q", to, subject)
	}
	problem := mustProblem(t, b.call(t, "POST", "/password-resets/"+token, `{"password":"short"}`), http.StatusUnprocessableEntity, "invalid")
	if len(problem.Errors) != 1 || problem.Errors[0].Field != "password" {
		t.Errorf("got %+v", problem)
	}
	_ = mustProblem(t, b.call(t, "POST", "/verifications/"+token, ""), http.StatusNotFound, "not-found")
	_ = mustProblem(t, b.call(t, "POST", "/password-resets/"+verification, `{"password":"another horse battery"}`), http.StatusNotFound, "not-found")
	reset := func() *http.Response {
		return b.call(t, "POST", "/password-resets/"+token, `{"password":"another horse battery"}`)
	}
	_ = mustStatus(t, reset(), http.StatusNoContent)
	if problem := mustProblem(t, reset(), http.StatusNotFound, "not-found"); !strings.HasPrefix(problem.Detail, "The link") { // the page shows this alone
		t.Errorf("got %+v", problem)
	}
	_ = mustProblem(t, b.call(t, "POST", "/sessions", credentials(email, password)), http.StatusUnauthorized, "invalid-credentials")
	sessionOf(t, b.call(t, "POST", "/sessions", credentials(email, otherPassword))) // the mail was read, so the address is confirmed
}

func TestChangeOfAddressIsConfirmed(t *testing.T) {
	b := newBench(t, verified)
	b.send(t)
	b.add(t, email, password, false)
	b.add(t, "bob@example.com", password, false)
	mine := bearer(b.begin(t).AccessToken)
	_ = mustProblem(t, b.call(t, "PATCH", "/me", change("email", "bob@example.com"), mine), http.StatusConflict, "address-taken")
	got := decoded[client.Account](t, b.call(t, "PATCH", "/me", change("email", "ada@example.org"), mine), http.StatusOK)
	if got.Email != email {
		t.Errorf("the address is %q before it was confirmed", got.Email)
	}
	to, subject, token := b.mailed(t, 1)
	if to != "<ada@example.org>" || subject != "Confirm your new address" {
		t.Errorf("a mail to %q about %q", to, subject)
	}
	_ = mustStatus(t, b.call(t, "POST", "/verifications/"+token, ""), http.StatusNoContent)
	sessionOf(t, b.call(t, "POST", "/sessions", credentials("ada@example.org", password)))
	_ = mustProblem(t, b.call(t, "POST", "/verifications/"+token, ""), http.StatusNotFound, "not-found")
}

// TestChangeOfBoth wants an address and a password changed by one request, in spite of what a new password ends.
func TestChangeOfBoth(t *testing.T) {
	b := newBench(t, verified)
	b.add(t, email, password, false)
	mine := bearer(b.begin(t).AccessToken)
	_ = mustStatus(t, b.call(t, "PATCH", "/me", change("email", "ada@example.org", "password", otherPassword), mine), http.StatusOK)
	b.send(t)
	_, _, token := b.mailed(t, 1)
	_ = mustStatus(t, b.call(t, "POST", "/verifications/"+token, ""), http.StatusNoContent)
	sessionOf(t, b.call(t, "POST", "/sessions", credentials("ada@example.org", otherPassword)))
}

// TestResetEndsChangeOfAddress has somebody who knows the password, and wants the account, be too late.
func TestResetEndsChangeOfAddress(t *testing.T) {
	b := newBench(t, verified)
	b.send(t)
	b.add(t, email, password, false)
	_ = mustStatus(t, b.call(t, "PATCH", "/me", change("email", "thief@example.org"), bearer(b.begin(t).AccessToken)), http.StatusOK)
	_, _, stolen := b.mailed(t, 1)
	_ = mustStatus(t, b.call(t, "POST", "/password-resets", `{"email":"ada@example.com"}`), http.StatusAccepted)
	_, _, token := b.mailed(t, 2)
	_ = mustStatus(t, b.call(t, "POST", "/password-resets/"+token, `{"password":"another horse battery"}`), http.StatusNoContent)
	_ = mustProblem(t, b.call(t, "POST", "/verifications/"+stolen, ""), http.StatusNotFound, "not-found")
	sessionOf(t, b.call(t, "POST", "/sessions", credentials(email, otherPassword)))
}

// TestGuessedLinksHashNothing wants whoever guesses refused before a password is hashed, which takes a core and megabytes.
func TestGuessedLinksHashNothing(t *testing.T) {
	b := newBench(t)
	for range 30 {
		b.call(t, "POST", "/verifications/guessed", "").Body.Close()
	}
	release := auth.HoldHasher(b.service)
	defer release()
	hurried := func(r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), time.Second)
		t.Cleanup(cancel)
		*r = *r.WithContext(ctx)
	}
	_ = mustProblem(t, b.call(t, "POST", "/password-resets/guessed", `{"password":"another horse battery"}`, hurried), http.StatusTooManyRequests, "too-many-links")
}

func TestMailsAreLimited(t *testing.T) {
	b := newBench(t, verified)
	ask := func(email, from string) *http.Response {
		return b.call(t, "POST", "/password-resets", `{"email":"`+email+`"}`, header(client.AddressHeader, from))
	}
	for range 3 {
		_ = mustStatus(t, ask("nobody@example.com", "192.0.2.1"), http.StatusAccepted)
	}
	problem := mustProblem(t, ask("nobody@example.com", "192.0.2.2"), http.StatusTooManyRequests, "too-many-mails")
	if !strings.Contains(problem.Detail, "spam") {
		t.Errorf("got %+v", problem)
	}
	for i := range 40 {
		response := ask(string(rune('a'+i%26))+string(rune('a'+i/26))+"@example.com", "192.0.2.1")
		response.Body.Close()
		if i > 30 && response.StatusCode != http.StatusTooManyRequests {
			t.Errorf("mail %d: %s", i, response.Status)
		}
	}
	_ = mustProblem(t, ask("ada", "192.0.2.3"), http.StatusUnprocessableEntity, "invalid")
	for range 30 {
		b.call(t, "POST", "/verifications/guessed", "").Body.Close()
	}
	_ = mustProblem(t, b.call(t, "POST", "/verifications/guessed", ""), http.StatusTooManyRequests, "too-many-links")
}

func TestNoMail(t *testing.T) {
	config := auth.DefaultConfig()
	logger := slog.New(slog.DiscardHandler)
	service, err := auth.New(config, openStore(t), nil, logger)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{handler: service.Handler(), service: service}
	_ = mustProblem(t, b.call(t, "POST", "/password-resets", `{"email":"ada@example.com"}`), http.StatusForbidden, "no-mail")
	config.Signup = auth.SignupVerified
	if _, err := auth.New(config, openStore(t), nil, logger); err == nil || !strings.Contains(err.Error(), "UNREEL_MAIL") {
		t.Errorf("got %v", err)
	}
}

// flaky is a mail server that is away at first, or takes nothing.
type flaky struct {
	mail.Sender

	answers []error
	tries   atomic.Int32
}

func (f *flaky) Send(ctx context.Context, message mail.Message) error {
	if try := int(f.tries.Add(1)); try <= len(f.answers) {
		return f.answers[try-1]
	}
	return f.Sender.Send(ctx, message)
}

// TestMailServerAway holds that a letter waits for the mail server, and that one which is refused does not.
func TestMailServerAway(t *testing.T) {
	for name, test := range map[string]struct {
		answer error
		age    time.Duration // of the letter
		left   int
	}{
		"away":            {errors.New("connection refused"), 0, 1},
		"away for long":   {errors.New("connection refused"), 2 * time.Hour, 0},
		"refused":         {mail.ErrRefused, 0, 0},
		"unknown":         {mail.ErrUnknown, 0, 1},
		"unknown, by now": {mail.ErrUnknown, 3 * time.Minute, 0},
	} {
		t.Run(name, func(t *testing.T) {
			store := openStore(t)
			sender, err := mailfile.New(mailfile.Config{Dir: t.TempDir(), From: "unreel@localhost"})
			if err != nil {
				t.Fatal(err)
			}
			server := &flaky{Sender: sender, answers: []error{test.answer}}
			service, err := auth.New(auth.DefaultConfig(), store, server, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			auth.Cheapen(service)
			b := &bench{handler: service.Handler(), service: service}
			b.add(t, email, password, false)
			letter := users.Letter{ID: "65f0c0ffee65f0c0ffee0001", Purpose: users.ResetPassword, Address: email, CreatedAt: time.Now().Add(-test.age)}
			if err := store.AddLetter(t.Context(), letter); err != nil {
				t.Fatal(err)
			}
			auth.Wake(service)
			b.send(t)
			later := time.Now().Add(time.Hour)
			harness.Eventually(t, "the try", func() error {
				if server.tries.Load() < 1 {
					return errors.New("none yet")
				}
				left, err := store.ClaimLetters(t.Context(), later, later, 10)
				if err == nil && len(left) != test.left {
					err = errors.New("another number of letters is left")
				}
				return err
			})
		})
	}
}

// TestLetterOfNobody holds that a letter without an account is dropped, and leaves nothing that could be used.
func TestLetterOfNobody(t *testing.T) {
	b := newBench(t, verified)
	_ = mustStatus(t, b.call(t, "POST", "/password-resets", `{"email":"nobody@example.com"}`), http.StatusAccepted)
	b.send(t)
	later := time.Now().Add(time.Hour)
	harness.Eventually(t, "the letter to go", func() error {
		left, err := b.store.ClaimLetters(t.Context(), later, time.Now(), 10)
		if err == nil && len(left) > 0 {
			err = errors.New("it is there")
		}
		return err
	})
	if removed, err := b.store.CollectMailTokens(t.Context(), later.Add(100*time.Hour), 10); err != nil || removed != 0 {
		t.Errorf("%d tokens, %v", removed, err)
	}
}
