package auth_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unreel/unreel/internal/service/auth"
	"github.com/unreel/unreel/internal/service/auth/client"
	"github.com/unreel/unreel/internal/store/users"
	"github.com/unreel/unreel/internal/store/users/sqlusers"
)

const otherPassword = "another horse battery"

// decoded reads an answer's body, which must have the status.
func decoded[T any](t *testing.T, response *http.Response, status int) (value T) {
	t.Helper()
	if err := json.Unmarshal([]byte(mustStatus(t, response, status)), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

func change(fields ...string) string {
	asked := map[string]string{"current_password": password}
	for i := 0; i < len(fields); i += 2 {
		asked[fields[i]] = fields[i+1]
	}
	raw, err := json.Marshal(asked)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func TestMe(t *testing.T) {
	b := newBench(t)
	b.add(t, email, password, true)
	mine := bearer(b.begin(t).AccessToken)
	got := decoded[client.Account](t, b.call(t, "GET", "/me", "", mine), http.StatusOK)
	if len(got.ID) != 24 || got.Email != email || !got.Admin || got.CreatedAt.IsZero() {
		t.Errorf("got %+v", got)
	}
	_ = mustProblem(t, b.call(t, "GET", "/me", ""), http.StatusUnauthorized, "missing-credentials")
	_ = mustProblem(t, b.call(t, "GET", "/me", "", bearer("x.y.z")), http.StatusUnauthorized, "invalid-token")
}

func TestChangeMe(t *testing.T) {
	b := newBench(t)
	b.add(t, email, password, false)
	here, elsewhere := b.begin(t), b.begin(t)
	mine := bearer(here.AccessToken)
	got := decoded[client.Account](t, b.call(t, "PATCH", "/me", change("email", " Ada@Example.ORG "), mine), http.StatusOK)
	if got.Email != "ada@example.org" {
		t.Errorf("got %+v", got)
	}
	sessionOf(t, b.call(t, "POST", "/sessions", credentials("ada@example.org", password)))
	if second := sessionOf(t, b.refresh(t, elsewhere.RefreshToken)); claimsOf(t, b, second)["username"] != "ada@example.org" {
		t.Error("a new token has the old address")
	} else {
		elsewhere = second
	}

	_ = decoded[client.Account](t, b.call(t, "PATCH", "/me", change("password", otherPassword), mine), http.StatusOK)
	b.mustRefuse(t, elsewhere.RefreshToken)
	sessionOf(t, b.refresh(t, here.RefreshToken))
	_ = mustProblem(t, b.call(t, "POST", "/sessions", credentials("ada@example.org", password)), http.StatusUnauthorized, "invalid-credentials")
	sessionOf(t, b.call(t, "POST", "/sessions", credentials("ada@example.org", otherPassword)))
	if log := b.log.String(); strings.Contains(log, password) || strings.Contains(log, otherPassword) || strings.Contains(log, "ada@example.org") {
		t.Error("the log has a password or an address")
	}
}

func TestChangeMeRefuses(t *testing.T) {
	b := newBench(t)
	b.add(t, email, password, false)
	b.add(t, "bob@example.com", password, false)
	mine := bearer(b.begin(t).AccessToken)
	for body, want := range map[string]string{
		change():                    "email",
		change("email", "ada"):      "email",
		change("password", "short"): "password",
		change("email", "c@d.org", "password", "c@d.org"):              "password",
		change("password", otherPassword, "current_password", ""):      "current_password",
		change("password", otherPassword, "current_password", "wrong"): "current_password",
	} {
		problem := mustProblem(t, b.call(t, "PATCH", "/me", body, mine), http.StatusUnprocessableEntity, "invalid")
		if len(problem.Errors) != 1 || problem.Errors[0].Field != want {
			t.Errorf("%s: got %+v, want %s", body, problem.Errors, want)
		}
	}
	_ = mustProblem(t, b.call(t, "PATCH", "/me", change("email", "bob@example.com", "password", otherPassword), mine), http.StatusConflict, "address-taken")
	sessionOf(t, b.call(t, "POST", "/sessions", credentials(email, password)))
	for range 20 { // the password is not to be guessed here either
		b.call(t, "PATCH", "/me", change("password", otherPassword, "current_password", "wrong"), mine).Body.Close()
	}
	_ = mustProblem(t, b.call(t, "PATCH", "/me", change("password", otherPassword), mine), http.StatusTooManyRequests, "too-many-log-ins")
}

// TestTokenOutlivesItsSession holds that a token whose session has ended, which is good elsewhere until it expires, does nothing
// here that would last longer.
func TestTokenOutlivesItsSession(t *testing.T) {
	b := newBench(t)
	b.add(t, email, password, false)
	stolen, mine := b.begin(t), b.begin(t)
	_ = decoded[client.Account](t, b.call(t, "PATCH", "/me", change("password", otherPassword), bearer(mine.AccessToken)), http.StatusOK)
	for _, call := range []struct{ method, path, body string }{
		{"GET", "/me", ""},
		{"PATCH", "/me", change("email", "thief@example.com", "current_password", otherPassword)},
		{"POST", "/api-keys", "{}"},
		{"GET", "/api-keys", ""},
		{"DELETE", "/me", ""},
	} {
		_ = mustProblem(t, b.call(t, call.method, call.path, call.body, bearer(stolen.AccessToken)), http.StatusUnauthorized, "invalid-token")
	}
	_ = decoded[client.NewAPIKey](t, b.call(t, "POST", "/api-keys", "{}", bearer(mine.AccessToken)), http.StatusCreated)
}

// overtaken is a store in which another password comes first, whatever is changed.
type overtaken struct{ *sqlusers.Store }

func (s overtaken) Change(ctx context.Context, id string, change users.Change) error {
	if err := s.Store.Change(ctx, id, users.Change{PasswordHash: auth.OldHash(otherPassword)}); err != nil {
		return err
	}
	return s.Store.Change(ctx, id, change)
}

// TestChangeIsOvertaken has an owner choose another password while somebody who knows the old one changes the account.
func TestChangeIsOvertaken(t *testing.T) {
	b := newBenchOver(t, overtaken{openStore(t)})
	b.add(t, email, password, false)
	mine := bearer(b.begin(t).AccessToken)
	problem := mustProblem(t, b.call(t, "PATCH", "/me", change("password", "a third horse battery", "email", "thief@example.org"), mine), http.StatusUnprocessableEntity, "invalid")
	if len(problem.Errors) != 1 || problem.Errors[0].Field != "current_password" {
		t.Errorf("got %+v", problem)
	}
	sessionOf(t, b.call(t, "POST", "/sessions", credentials(email, otherPassword)))
}

// TestAddressesAreNotToBeTried holds that a change of address tells no more often who has an account than a sign-up does.
func TestAddressesAreNotToBeTried(t *testing.T) {
	b := newBench(t)
	b.add(t, email, password, false)
	b.add(t, "bob@example.com", password, false)
	mine := bearer(b.begin(t).AccessToken)
	for range 40 {
		_ = mustStatus(t, b.call(t, "PATCH", "/me", change("email", "ada"), mine), http.StatusUnprocessableEntity)
		_ = mustStatus(t, b.call(t, "PATCH", "/me", change("email", email), mine), http.StatusOK)
	}
	for range 30 {
		_ = mustProblem(t, b.call(t, "PATCH", "/me", change("email", "bob@example.com"), mine), http.StatusConflict, "address-taken")
	}
	_ = mustProblem(t, b.call(t, "PATCH", "/me", change("email", "bob@example.com"), mine), http.StatusTooManyRequests, "too-many-addresses")
	_ = mustStatus(t, b.call(t, "PATCH", "/me", change("password", otherPassword), mine), http.StatusOK)
}

func TestDeleteMe(t *testing.T) {
	b := newBench(t)
	b.add(t, email, password, false)
	session := b.begin(t)
	mine := bearer(session.AccessToken)
	key := decoded[client.NewAPIKey](t, b.call(t, "POST", "/api-keys", "{}", mine), http.StatusCreated)
	_ = mustStatus(t, b.call(t, "DELETE", "/me", "", mine), http.StatusNoContent)
	b.mustRefuse(t, session.RefreshToken)
	_ = mustProblem(t, b.call(t, "DELETE", "/me", "", mine), http.StatusUnauthorized, "invalid-token")
	_ = mustProblem(t, b.call(t, "GET", "/me", "", bearer(key.Key)), http.StatusUnauthorized, "invalid-token")
	b.add(t, email, otherPassword, false)
}

func TestAPIKeys(t *testing.T) {
	b := newBench(t)
	b.add(t, email, password, true)
	mine := bearer(b.begin(t).AccessToken)
	if list := decoded[client.APIKeyList](t, b.call(t, "GET", "/api-keys", "", mine), http.StatusOK); list.APIKeys == nil || len(list.APIKeys) != 0 {
		t.Errorf("got %+v", list)
	}
	key := decoded[client.NewAPIKey](t, b.call(t, "POST", "/api-keys", `{"name":"backup"}`, mine), http.StatusCreated)
	if key.Name != "backup" || len(key.Key) < 50 || !strings.HasPrefix(key.Key, "unreel_") || !strings.HasPrefix(key.Key, key.Hint) || len(key.Hint) > 12 {
		t.Errorf("got %+v", key)
	}
	_ = decoded[client.NewAPIKey](t, b.call(t, "POST", "/api-keys", "{}", mine), http.StatusCreated)
	claims := validate(t, b, key.Key)
	if claims["username"] != email || claims["admin"] != true || claims["iss"] != "unreel" || claims["jti"] != key.ID {
		t.Errorf("got claims %v", claims)
	}
	list := decoded[client.APIKeyList](t, b.call(t, "GET", "/api-keys", "", bearer(key.Key)), http.StatusOK)
	if len(list.APIKeys) != 2 || list.APIKeys[1].ID != key.ID || list.APIKeys[1].LastUsedAt == nil || list.APIKeys[0].LastUsedAt != nil {
		t.Errorf("got %+v", list)
	}
	if log := b.log.String(); strings.Contains(log, key.Key) {
		t.Error("the log has the key")
	}

	for _, call := range []struct{ method, path, body string }{
		{"PATCH", "/me", change("password", otherPassword)},
		{"DELETE", "/me", ""},
		{"POST", "/api-keys", "{}"},
		{"DELETE", "/api-keys/" + key.ID, ""},
	} {
		_ = mustProblem(t, b.call(t, call.method, call.path, call.body, bearer(key.Key)), http.StatusForbidden, "needs-log-in")
	}
	_ = mustStatus(t, b.call(t, "DELETE", "/api-keys/"+key.ID, "", mine), http.StatusNoContent)
	_ = mustProblem(t, b.call(t, "DELETE", "/api-keys/"+key.ID, "", mine), http.StatusNotFound, "not-found")
	if got := mustStatus(t, b.call(t, "POST", "/validate", "", bearer(key.Key)), http.StatusForbidden); got != "not authorized" {
		t.Errorf("got %q", got)
	}
}

func TestAPIKeysRefused(t *testing.T) {
	b := newBench(t)
	b.add(t, email, password, false)
	mine := bearer(b.begin(t).AccessToken)
	for body, field := range map[string]string{
		fmt.Sprintf(`{"name":%q}`, strings.Repeat("x", 101)): "name",
		`{"name":"a\nb"}`:           "name",
		`{"expires_in":0}`:          "expires_in",
		`{"expires_in":9999999999}`: "expires_in",
	} {
		problem := mustProblem(t, b.call(t, "POST", "/api-keys", body, mine), http.StatusUnprocessableEntity, "invalid")
		if len(problem.Errors) != 1 || problem.Errors[0].Field != field {
			t.Errorf("%s: got %+v, want %s", body, problem.Errors, field)
		}
	}
	for range 100 {
		b.call(t, "POST", "/api-keys", "{}", mine).Body.Close()
	}
	_ = mustProblem(t, b.call(t, "POST", "/api-keys", "{}", mine), http.StatusConflict, "too-many-api-keys")

	for range 30 {
		_ = mustProblem(t, b.call(t, "GET", "/me", "", bearer("unreel_guessed")), http.StatusUnauthorized, "invalid-token")
	}
	_ = mustProblem(t, b.call(t, "GET", "/me", "", bearer("unreel_guessed")), http.StatusTooManyRequests, "too-many-api-keys-refused")
}

func TestAPIKeyExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.add(t, email, password, false)
		mine := bearer(b.begin(t).AccessToken)
		key := decoded[client.NewAPIKey](t, b.call(t, "POST", "/api-keys", `{"expires_in":60}`, mine), http.StatusCreated)
		claims := validate(t, b, key.Key)
		if left := number(t, claims["exp"]) - float64(time.Now().Unix()); left > 60 || left < 59 {
			t.Errorf("claims that last %v s, want those of the key", left)
		}
		pass(time.Minute)
		_ = mustStatus(t, b.call(t, "POST", "/validate", "", bearer(key.Key)), http.StatusForbidden)
	})
}
