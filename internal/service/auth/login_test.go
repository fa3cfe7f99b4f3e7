package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unreel/unreel/internal/service/auth"
	"github.com/unreel/unreel/internal/service/auth/client"
	"github.com/unreel/unreel/internal/store"
	"github.com/unreel/unreel/internal/store/users"
	"github.com/unreel/unreel/internal/store/users/sqlusers"
)

func from(address string) func(*http.Request) { return header(client.AddressHeader, address) }

func TestTooManyFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.add(t, email, password, false)
		wrong, right := basic(email, "wrong horse battery"), basic(email, password)
		for range 10 {
			mustStatus(t, b.call(t, "POST", "/login", "", wrong), http.StatusUnauthorized)
		}
		response := b.call(t, "POST", "/login", "", right)
		mustLimit(t, response, "6")
		if body := mustStatus(t, response, http.StatusTooManyRequests); !strings.Contains(body, "6 s") {
			t.Errorf("got %q", body)
		}
		response = b.call(t, "POST", "/sessions", credentials(email, password), from("192.0.2.77"))
		mustLimit(t, response, "6")
		_ = mustProblem(t, response, http.StatusTooManyRequests, "too-many-log-ins")

		pass(6 * time.Second)
		for range 3 {
			mustStatus(t, b.call(t, "POST", "/login", "", right), http.StatusOK)
		}
		mustStatus(t, b.call(t, "POST", "/login", "", wrong), http.StatusUnauthorized)
		mustStatus(t, b.call(t, "POST", "/login", "", right), http.StatusTooManyRequests)
	})
}

func mustLimit(t *testing.T, response *http.Response, seconds string) {
	t.Helper()
	mustLimitOf(t, response, "log-in", "q=10;w=60", seconds)
}

func mustLimitOf(t *testing.T, response *http.Response, name, policy, seconds string) {
	t.Helper()
	for name, want := range map[string]string{
		"Retry-After": seconds, "RateLimit": `"` + name + `";r=0;t=` + seconds, "RateLimit-Policy": `"` + name + `";` + policy,
	} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// TestLimitOfAClient tries many addresses from one client: the gateway's word for who that is counts, what the
// client itself says does not.
func TestLimitOfAClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		for i := range 10 {
			address := basic(fmt.Sprintf("user%d@example.com", i), password)
			mustStatus(t, b.call(t, "POST", "/login", "", address, from("2001:db8::1")), http.StatusUnauthorized)
		}
		next := basic("next@example.com", password)
		forged := header("X-Forwarded-For", "192.0.2.9")
		mustStatus(t, b.call(t, "POST", "/login", "", next, forged, from("2001:db8::2")), http.StatusTooManyRequests)
		mustStatus(t, b.call(t, "POST", "/login", "", next, from("192.0.2.5")), http.StatusUnauthorized)
	})
}

func TestLimitOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(config *auth.Config) { config.RateLimit = false })
		for range 15 {
			mustStatus(t, b.call(t, "POST", "/login", "", basic(email, password)), http.StatusUnauthorized)
		}
	})
}

// TestGuessesAtOnce makes sure that guesses in parallel are limited as those in a row are.
func TestGuessesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.add(t, email, password, false)
		var guessed atomic.Int32
		var group sync.WaitGroup
		for range 30 {
			group.Go(func() {
				if b.call(t, "POST", "/login", "", basic(email, "wrong horse battery")).StatusCode == http.StatusUnauthorized {
					guessed.Add(1)
				}
			})
		}
		group.Wait()
		if got := guessed.Load(); got != 10 {
			t.Errorf("%d of 30 guesses were let through, want 10", got)
		}
	})
}

// shaky is a store whose server may be away.
type shaky struct {
	*sqlusers.Store

	away atomic.Bool
}

func (s *shaky) down() error {
	if s.away.Load() {
		return fmt.Errorf("test: %w", store.ErrUnavailable)
	}
	return nil
}

func (s *shaky) ByEmail(ctx context.Context, email string) (users.User, error) {
	if err := s.down(); err != nil {
		return users.User{}, err
	}
	return s.Store.ByEmail(ctx, email)
}

func (s *shaky) Create(ctx context.Context, user users.User) error {
	if err := s.down(); err != nil {
		return err
	}
	return s.Store.Create(ctx, user)
}

func (s *shaky) Keys(ctx context.Context, offer users.Key) ([]users.Key, error) {
	if err := s.down(); err != nil {
		return nil, err
	}
	return s.Store.Keys(ctx, offer)
}

func TestStoreAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away := &shaky{Store: openStore(t)}
		away.away.Store(true)
		b := newBenchOver(t, away)
		_ = mustProblem(t, b.call(t, "GET", "/.well-known/jwks.json", ""), http.StatusServiceUnavailable, "unavailable")
		_ = mustProblem(t, b.call(t, "POST", "/users", credentials(email, password)), http.StatusServiceUnavailable, "unavailable")
		// More often than log-ins may fail, for these are not the guesser's failures.
		for range 12 {
			response := b.call(t, "POST", "/login", "", basic(email, password))
			mustStatus(t, response, http.StatusServiceUnavailable)
			if response.Header.Get("Retry-After") == "" {
				t.Error("the answer does not say when to come back")
			}
		}

		away.away.Store(false)
		b.add(t, email, password, false)
		token := b.logIn(t, email, password)

		away.away.Store(true)
		for range 3 {
			pass(4 * time.Minute)
			mustStatus(t, b.call(t, "POST", "/validate", "", bearer(token)), http.StatusOK)
			mustStatus(t, b.call(t, "GET", "/.well-known/jwks.json", ""), http.StatusOK)
		}
		pass(4 * time.Minute)
		mustStatus(t, b.call(t, "POST", "/validate", "", bearer(token)), http.StatusForbidden)
	})
}

func TestRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.add(t, email, password, false)
		before := b.logIn(t, email, password)
		pass(time.Second)
		id, err := b.service.Accounts().RotateKey(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if keys := mustStatus(t, b.call(t, "GET", "/.well-known/jwks.json", ""), http.StatusOK); !strings.Contains(keys, id) {
			t.Errorf("the new key is not published: %s", keys)
		}
		if keyOf(t, b.logIn(t, email, password)) != keyOf(t, before) {
			t.Error("the new key signs before others can know it")
		}
		pass(10 * time.Minute)
		after := b.logIn(t, email, password)
		if keyOf(t, after) != id {
			t.Error("the new key does not sign")
		}
		validate(t, b, before)
		validate(t, b, after)
	})
}

func TestRehash(t *testing.T) {
	b := newBench(t)
	user := users.User{ID: "6b033c4259dafd7437a38151", Email: email, PasswordHash: auth.OldHash(password)}
	if err := b.store.Create(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	mustStatus(t, b.call(t, "POST", "/login", "", basic(email, "wrong horse battery")), http.StatusUnauthorized)
	if got := b.hash(t); got != user.PasswordHash {
		t.Errorf("a wrong password changed the hash to %s", got)
	}
	b.logIn(t, email, password)
	fresh := b.hash(t)
	if !strings.HasPrefix(fresh, auth.CheapPrefix) {
		t.Errorf("the hash is still %s", fresh)
	}
	b.logIn(t, email, password)
	if b.hash(t) != fresh {
		t.Error("a fresh hash was replaced")
	}
}

func (b *bench) hash(t *testing.T) string {
	t.Helper()
	user, err := b.store.ByEmail(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	return user.PasswordHash
}

// TestUnknownAddressCostsTheSame looks at what is hashed and not at the clock, which depends on the machine: while
// the hasher has no slot free, no log-in can be answered, whether there is an account or not.
func TestUnknownAddressCostsTheSame(t *testing.T) {
	b := newBench(t)
	b.add(t, email, password, false)
	release := auth.HoldHasher(b.service)
	for _, address := range []string{email, "bob@example.com", "bob"} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		response := b.call(t, "POST", "/login", "", basic(address, password), func(r *http.Request) { *r = *r.WithContext(ctx) })
		if response.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s was answered %s without hashing", address, response.Status)
		}
		cancel()
	}
	release()
	b.logIn(t, email, password)
}

func TestAccounts(t *testing.T) {
	b := newBench(t)
	accounts := b.service.Accounts()
	ada, bob := b.add(t, "Ada@Example.com", password, true), b.add(t, "bob@example.com", password, false)
	if _, err := accounts.Add(t.Context(), "bob@example.com", password, false); !errors.Is(err, users.ErrTaken) {
		t.Errorf("got %v, want ErrTaken", err)
	}
	var invalid *auth.InvalidError
	_, err := accounts.Add(t.Context(), "bob", "x", false)
	if !errors.As(err, &invalid) || len(invalid.Fields) != 2 || !strings.Contains(err.Error(), "password must have at least 8") {
		t.Errorf("got %v", err)
	}
	var listed []string
	err = accounts.List(t.Context(), func(user users.User) error { listed = append(listed, user.ID); return nil })
	if err != nil || len(listed) != 2 || listed[0] != ada.ID || listed[1] != bob.ID {
		t.Errorf("got %v, %v", listed, err)
	}
	if err := accounts.SetPassword(t.Context(), "BOB@example.com", "another horse battery"); err != nil {
		t.Error(err)
	}
	b.logIn(t, "bob@example.com", "another horse battery")
	if err := accounts.SetAdmin(t.Context(), "bob@example.com", true); err != nil {
		t.Error(err)
	}
	if claims := validate(t, b, b.logIn(t, "bob@example.com", "another horse battery")); claims["admin"] != true {
		t.Errorf("got %v", claims)
	}
	if err := accounts.Remove(t.Context(), "bob@example.com"); err != nil {
		t.Error(err)
	}
	mustStatus(t, b.call(t, "POST", "/login", "", basic("bob@example.com", "another horse battery")), http.StatusUnauthorized)
	for name, err := range map[string]error{
		"remove":   accounts.Remove(t.Context(), "bob@example.com"),
		"admin":    accounts.SetAdmin(t.Context(), "bob@example.com", true),
		"password": accounts.SetPassword(t.Context(), "bob@example.com", password),
	} {
		if !errors.Is(err, users.ErrNotFound) {
			t.Errorf("%s: got %v, want ErrNotFound", name, err)
		}
	}
	if err := accounts.SetPassword(t.Context(), email, "short"); !errors.As(err, &invalid) {
		t.Errorf("got %v", err)
	}
}
