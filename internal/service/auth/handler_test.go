package auth_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/service/auth"
	"github.com/unreel/unreel/internal/service/auth/client"
)

func credentials(email, password string) string {
	raw, err := json.Marshal(map[string]any{"email": email, "password": password, "unknown": true})
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func TestSignUpAndLogIn(t *testing.T) {
	b := newBench(t)
	began := time.Now()
	response := b.call(t, "POST", "/users", credentials(" Ada@Example.com ", password))
	var user client.User
	if err := json.Unmarshal([]byte(mustStatus(t, response, http.StatusCreated)), &user); err != nil {
		t.Fatal(err)
	}
	if len(user.ID) != 24 || user.Email != email || user.CreatedAt.Before(began.Add(-time.Second)) {
		t.Errorf("got %+v", user)
	}
	var session client.Session
	response = b.call(t, "POST", "/sessions", credentials("ADA@example.com", password))
	if err := json.Unmarshal([]byte(mustStatus(t, response, http.StatusCreated)), &session); err != nil {
		t.Fatal(err)
	}
	if session.TokenType != "Bearer" || session.ExpiresIn != 900 || response.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("got %+v, %v", session, response.Header)
	}
	for _, text := range []string{session.AccessToken, b.logIn(t, email, password)} {
		claims := validate(t, b, text)
		if claims["iss"] != "unreel" || claims["sub"] != user.ID || claims["username"] != email ||
			claims["admin"] != false || claims["jti"] == "" || number(t, claims["exp"])-number(t, claims["iat"]) != 900 {
			t.Errorf("got claims %v", claims)
		}
	}
}

func number(t *testing.T, value any) float64 {
	t.Helper()
	got, ok := value.(float64)
	if !ok {
		t.Errorf("%v is no number", value)
	}
	return got
}

func validate(t *testing.T, b *bench, text string) map[string]any {
	t.Helper()
	var claims map[string]any
	body := mustStatus(t, b.call(t, "POST", "/validate", "", bearer(text)), http.StatusOK)
	if err := json.Unmarshal([]byte(body), &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestTokenHeader(t *testing.T) {
	b := newBench(t)
	b.add(t, email, password, true)
	text := b.logIn(t, email, password)
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[0])
	if err != nil {
		t.Fatal(err)
	}
	var head map[string]string
	if err := json.Unmarshal(raw, &head); err != nil {
		t.Fatal(err)
	}
	var keys struct {
		Keys []map[string]string `json:"keys"`
	}
	body := mustStatus(t, b.call(t, "GET", "/.well-known/jwks.json", ""), http.StatusOK)
	if err := json.Unmarshal([]byte(body), &keys); err != nil {
		t.Fatal(err)
	}
	if len(keys.Keys) != 1 || keys.Keys[0]["kid"] != head["kid"] || keys.Keys[0]["kty"] != "OKP" || keys.Keys[0]["d"] != "" {
		t.Errorf("the token's header is %v, the keys are %s", head, body)
	}
	if head["alg"] != "EdDSA" || validate(t, b, text)["admin"] != true {
		t.Errorf("got header %v", head)
	}
}

func TestOriginalRoutesRefuse(t *testing.T) {
	b := newBench(t)
	b.add(t, email, password, false)
	good := b.logIn(t, email, password)
	tests := []struct {
		name, path string
		change     func(*http.Request)
		status     int
		text       string
	}{
		{"no header", "/login", func(*http.Request) {}, 401, "missing credentials"},
		{"bearer", "/login", bearer("x"), 401, "missing credentials"},
		{"no base64", "/login", header("Authorization", "Basic !"), 401, "missing credentials"},
		{"wrong password", "/login", basic(email, "wrong horse battery"), 401, "invalid credentials"},
		{"wrong case", "/login", basic(email, strings.ToUpper(password)), 401, "invalid credentials"},
		{"no password", "/login", basic(email, ""), 401, "invalid credentials"},
		{"long password", "/login", basic(email, strings.Repeat("x", 1025)), 401, "invalid credentials"},
		{"unknown", "/login", basic("bob@example.com", password), 401, "invalid credentials"},
		{"no address", "/login", basic("' OR 1=1 --", password), 401, "invalid credentials"},
		{"no header", "/validate", func(*http.Request) {}, 401, "missing credentials"},
		{"basic", "/validate", basic(email, password), 401, "missing credentials"},
		{"no token", "/validate", bearer(""), 401, "missing credentials"},
		{"no JWT", "/validate", bearer("x"), 403, "not authorized"},
		{"tampered", "/validate", bearer(good[:len(good)-8] + "AAAAAAAA"), 403, "not authorized"},
		{"long", "/validate", bearer(good + strings.Repeat("x", 5000)), 403, "not authorized"},
	}
	for _, test := range tests {
		t.Run(test.path+" "+test.name, func(t *testing.T) {
			response := b.call(t, "POST", test.path, "", test.change)
			if got := mustStatus(t, response, test.status); got != test.text {
				t.Errorf("got %q, want %q", got, test.text)
			}
			if !strings.HasPrefix(response.Header.Get("Content-Type"), "text/plain") {
				t.Errorf("got %v", response.Header)
			}
			if (response.Header.Get("WWW-Authenticate") != "") != (test.status == 401) {
				t.Errorf("got %v", response.Header)
			}
		})
	}
}

func TestSignUpRefuses(t *testing.T) {
	b := newBench(t)
	b.add(t, email, password, false)
	tests := []struct {
		name, body, kind string
		status           int
		slug             string
		fields           []string
	}{
		{"taken", credentials("ADA@EXAMPLE.com", "another horse battery"), "", 409, "address-taken", []string{"email"}},
		{"short", credentials("bob@example.com", "1234567"), "", 422, "invalid", []string{"password"}},
		{"short in characters", credentials("bob@example.com", "ééééééé"), "", 422, "invalid", []string{"password"}},
		{"long", credentials("bob@example.com", strings.Repeat("x", 1025)), "", 422, "invalid", []string{"password"}},
		{"common", credentials("bob@example.com", "Password123"), "", 422, "invalid", []string{"password"}},
		{"one key", credentials("bob@example.com", "zzzzzzzzzz"), "", 422, "invalid", []string{"password"}},
		{"three by turns", credentials("bob@example.com", "xyzXYZxyz"), "", 422, "invalid", []string{"password"}},
		{"the address", credentials("bobby.tables@example.com", "Bobby.Tables@example.com"), "", 422, "invalid", []string{"password"}},
		{"half the address", credentials("bobby.tables@example.com", "bobby.tables"), "", 422, "invalid", []string{"password"}},
		{"no address", credentials("bob", password), "", 422, "invalid", []string{"email"}},
		{"nothing", `{}`, "", 422, "invalid", []string{"email", "password"}},
		{"a number", `{"email": 1, "password": "x"}`, "", 422, "invalid", []string{"email"}},
		{"no JSON", `{"email": `, "", 400, "malformed", nil},
		{"two", `{} {}`, "", 400, "malformed", nil},
		{"a form", `email=a`, "application/x-www-form-urlencoded", 415, "unsupported-media-type", nil},
		{"too large", credentials(email, strings.Repeat("x", 65<<10)), "", 413, "too-large", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			change := func(r *http.Request) {
				if test.kind != "" {
					r.Header.Set("Content-Type", test.kind)
				}
			}
			problem := mustProblem(t, b.call(t, "POST", "/users", test.body, change), test.status, test.slug)
			var fields []string
			for _, field := range problem.Errors {
				fields = append(fields, field.Field)
			}
			if diff := cmp.Diff(test.fields, fields); diff != "" {
				t.Errorf("fields differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSessionRefuses(t *testing.T) {
	b := newBench(t)
	b.add(t, email, password, false)
	var details []string
	for _, body := range []string{credentials(email, "wrong horse battery"), credentials("bob@example.com", password), credentials("bob", password)} {
		response := b.call(t, "POST", "/sessions", body)
		problem := mustProblem(t, response, http.StatusUnauthorized, "invalid-credentials")
		details = append(details, problem.Detail)
		if response.Header.Get("WWW-Authenticate") == "" {
			t.Error("the answer does not say how to get in")
		}
	}
	if details[0] != details[1] || details[1] != details[2] {
		t.Errorf("the answers tell who has an account: %q", details)
	}
	problem := mustProblem(t, b.call(t, "POST", "/sessions", `{}`), http.StatusUnprocessableEntity, "invalid")
	want := []httpx.FieldError{{Field: "email", Detail: "is required"}, {Field: "password", Detail: "is required"}}
	if diff := cmp.Diff(want, problem.Errors); diff != "" {
		t.Errorf("fields differ (-want +got):\n%s", diff)
	}
}

func TestSignUpClosed(t *testing.T) {
	b := newBench(t, func(config *auth.Config) { config.Signup = auth.SignupClosed })
	_ = mustProblem(t, b.call(t, "POST", "/users", credentials(email, password)), http.StatusForbidden, "signup-closed")
	b.add(t, email, password, false)
	b.logIn(t, email, password)
}

func TestLogTellsNoSecrets(t *testing.T) {
	b := newBench(t)
	mustStatus(t, b.call(t, "POST", "/users", credentials(email, password)), http.StatusCreated)
	mustStatus(t, b.call(t, "POST", "/login", "", basic(email, "wrong password")), http.StatusUnauthorized)
	token := b.logIn(t, email, password)
	mustStatus(t, b.call(t, "POST", "/validate", "", bearer(token+"x")), http.StatusForbidden)
	log := b.log.String()
	for _, secret := range []string{email, password, "wrong password", token, "argon2"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log has %q:\n%s", secret, log)
		}
	}
	for _, event := range []string{"account added", "logged in", "log-in failed", "a…@example.com"} {
		if !strings.Contains(log, event) {
			t.Errorf("the log lacks %q:\n%s", event, log)
		}
	}
}

func TestConfig(t *testing.T) {
	for _, signup := range []string{"confirmed", "", "Open"} {
		config := auth.DefaultConfig()
		config.Signup = signup
		if err := config.Validate(); err == nil || !strings.Contains(err.Error(), "UNREEL_SIGNUP") {
			t.Errorf("%q: got %v", signup, err)
		}
	}
	if err := auth.DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
}
