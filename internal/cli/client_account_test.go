package cli

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/api"
)

// accounts are the routes of a server with one account.
func accounts(t *testing.T, password string) map[string]http.HandlerFunc {
	read := func(r *http.Request) (c api.Credentials) {
		if err := json.NewDecoder(r.Body).Decode(&c); err != nil {
			t.Error(err)
		}
		if r.Header.Get("Authorization") != "" {
			t.Error("a token was sent along with a password")
		}
		return c
	}
	return map[string]http.HandlerFunc{
		"POST /v1/users": func(w http.ResponseWriter, r *http.Request) {
			answer(http.StatusCreated, api.User{ID: testID, Email: read(r).Email})(w, r)
		},
		"POST /v1/sessions": func(w http.ResponseWriter, r *http.Request) {
			if read(r) != (api.Credentials{Email: testEmail, Password: password}) {
				refuse(http.StatusUnauthorized, "invalid-credentials", "No account has this address and this password.")(w, r)
				return
			}
			answer(http.StatusCreated, api.Session{AccessToken: testToken, TokenType: "Bearer", ExpiresIn: 900})(w, r)
		},
	}
}

func TestSignupAndLoginKeepTheToken(t *testing.T) {
	for _, command := range []string{"signup", "login"} {
		t.Run(command, func(t *testing.T) {
			server := fakeGateway(t, accounts(t, "correct horse"))
			fresh(t)
			runWith(t.Context(), "correct horse\r\nnext line\n", command, testEmail, "--server", server.URL+"/").expect(t, exitDone)
			got, err := loadSession()
			if err != nil {
				t.Fatal(err)
			}
			if left := time.Until(got.ExpiresAt); left < 14*time.Minute || left > 15*time.Minute {
				t.Errorf("it expires in %v", left)
			}
			got.ExpiresAt = time.Time{}
			if diff := cmp.Diff(session{Server: server.URL, Email: testEmail, Token: testToken}, got); diff != "" {
				t.Error(diff)
			}
			checkOwnerOnly(t)
		})
	}
}

func checkOwnerOnly(t *testing.T) {
	t.Helper()
	path, err := sessionPath()
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the token's file has mode %v", info.Mode())
	}
	folder := strings.TrimSuffix(path, "/session.json")
	if diff := cmp.Diff([]string{"session.json"}, names(t, folder)); diff != "" {
		t.Errorf("left behind: %s", diff)
	}
}

func TestPasswordComesFromTheEnvironmentToo(t *testing.T) {
	server := fakeGateway(t, accounts(t, "from the environment"))
	fresh(t)
	t.Setenv("UNREEL_PASSWORD", "from the environment")
	t.Setenv("UNREEL_SERVER", server.URL)
	run(t, "login", testEmail).expect(t, exitDone)
}

func TestLoginGoesWhereTheLastOneWent(t *testing.T) {
	server := fakeGateway(t, accounts(t, "p"))
	loggedIn(t, server.URL)
	runWith(t.Context(), "p\n", "login", testEmail).expect(t, exitDone)
}

func TestFailedLoginKeepsTheOldOne(t *testing.T) {
	server := fakeGateway(t, accounts(t, "right"))
	loggedIn(t, server.URL)
	before, err := loadSession()
	if err != nil {
		t.Fatal(err)
	}
	runWith(t.Context(), "wrong\n", "login", testEmail).expect(t, exitFailed, "No account has this address and this password.")
	after, err := loadSession()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
}

func TestLoginNeedsAPassword(t *testing.T) {
	fresh(t)
	for _, input := range []string{"", "\n", "\r\n"} {
		runWith(t.Context(), input, "login", testEmail).expect(t, exitUsage, "UNREEL_PASSWORD")
	}
}

func TestInterruptedLoginEnds(t *testing.T) {
	fresh(t)
	ctx, cancel := context.WithCancel(t.Context())
	in, out := io.Pipe()
	defer out.Close() // ends the read that stays behind
	cancel()
	code := Main(ctx, []string{"login", testEmail}, IO{In: in, Out: io.Discard, Err: io.Discard})
	if code != exitInterrupted {
		t.Errorf("exit code %d", code)
	}
}

func TestTokenStaysWithItsServer(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the other server was asked")
	}))
	defer elsewhere.Close()
	home := fakeGateway(t, map[string]http.HandlerFunc{
		"GET /v1/conversions": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		},
		"POST /v1/sessions": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		},
	})
	loggedIn(t, home.URL)
	run(t, "list", "--server", elsewhere.URL).expect(t, exitFailed, "not logged in to "+elsewhere.URL, "unreel login --server")
	run(t, "list").expect(t, exitFailed, "--server "+elsewhere.URL)
	runWith(t.Context(), "p\n", "login", testEmail).expect(t, exitFailed, "--server "+elsewhere.URL)
}

func TestTokenFromTheEnvironmentComesFirst(t *testing.T) {
	seen := ""
	server := fakeGateway(t, map[string]http.HandlerFunc{
		"GET /v1/conversions": func(w http.ResponseWriter, r *http.Request) {
			seen = r.Header.Get("Authorization")
			answer(http.StatusOK, api.ConversionList{Conversions: []api.Conversion{}})(w, r)
		},
	})
	loggedIn(t, "http://elsewhere.example")
	t.Setenv("UNREEL_TOKEN", "from-environment")
	run(t, "list", "--server", server.URL).expect(t, exitDone)
	if seen != "Bearer from-environment" {
		t.Errorf("sent %q", seen)
	}
}

func TestExpiredTokenSaysToLogInAgain(t *testing.T) {
	server := fakeGateway(t, map[string]http.HandlerFunc{
		"GET /v1/conversions": refuse(http.StatusUnauthorized, "not-authorized", "The token has expired."),
	})
	loggedIn(t, server.URL)
	run(t, "list").expect(t, exitFailed, "log in again: unreel login "+testEmail, "The token has expired.")

	old := session{Server: server.URL, Email: testEmail, Token: testToken, ExpiresAt: time.Now().Add(-time.Second)}
	if err := old.save(); err != nil {
		t.Fatal(err)
	}
	run(t, "list").expect(t, exitFailed, "log in again: unreel login "+testEmail)
}

func TestUnreadableSessionSaysToLogInAgain(t *testing.T) {
	server := fakeGateway(t, accounts(t, "p"))
	loggedIn(t, server.URL)
	path, err := sessionPath()
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, "{")
	run(t, "list").expect(t, exitFailed, "log in again")
	runWith(t.Context(), "p\n", "login", testEmail, "--server", server.URL).expect(t, exitDone)
}

func TestServerAddresses(t *testing.T) {
	tests := []struct{ text, want string }{
		{"http://localhost:8080", "http://localhost:8080"},
		{"http://localhost:8080///", "http://localhost:8080"},
		{"HTTPS://MP3.Example.com/unreel/", "https://mp3.example.com/unreel"},
		{"localhost:8080", ""},
		{"ftp://localhost", ""},
		{"http://", ""},
		{"http://ada:secret@localhost", ""},
		{"http://localhost?x=y", ""},
		{"http://local\x1bhost", ""},
	}
	for _, test := range tests {
		got, err := normalServer(test.text)
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%q: got %q, %v", test.text, got, err)
		}
	}
	fresh(t)
	run(t, "list", "--server", "localhost:8080").expect(t, exitUsage, "--server", defaultServer)
}

func TestUnreachableServerIsNamed(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	loggedIn(t, server.URL)
	run(t, "list").expect(t, exitFailed, "no answer from "+server.URL, "UNREEL_SERVER")
	run(t, "watch", testID).expect(t, exitFailed, "no answer from "+server.URL)
}

func TestOurFaultNamesTheRequest(t *testing.T) {
	server := fakeGateway(t, map[string]http.HandlerFunc{
		"GET /v1/conversions": refuse(http.StatusInternalServerError, "internal", "Something\n went \x1b[31mwrong."),
	})
	loggedIn(t, server.URL)
	run(t, "list").expect(t, exitFailed, "unreel: Something went ?[31mwrong. (request r1)\n")
}

// TestChangeOfAddressThatIsConfirmed has a server that changes the address at once, and one that mails a link first.
func TestChangeOfAddressThatIsConfirmed(t *testing.T) {
	for email, want := range map[string]string{
		"grace@example.com": "The address is grace@example.com now",
		testEmail:           "on its way to Grace@example.com",
	} {
		t.Run(email, func(t *testing.T) {
			server := fakeGateway(t, map[string]http.HandlerFunc{"PATCH /v1/me": answer(http.StatusOK, api.Account{Email: email})})
			fresh(t)
			before := session{Server: server.URL, Email: testEmail, Token: testToken, ExpiresAt: time.Now().Add(time.Hour)}
			if err := before.save(); err != nil {
				t.Fatal(err)
			}
			got := runWith(t.Context(), "correct horse\n", "account", "email", "Grace@example.com")
			got.expect(t, exitDone)
			if !strings.Contains(got.out, want) {
				t.Errorf("got %q, want %q", got.out, want)
			}
			if kept, err := loadSession(); err != nil || kept.Email != email {
				t.Errorf("kept %q, %v", kept.Email, err)
			}
		})
	}
}
