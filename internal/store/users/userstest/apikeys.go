package userstest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/users"
)

func newAPIKey(user users.User, name string) users.APIKey {
	return users.APIKey{
		ID: string(conversion.NewID(created)), UserID: user.ID, Name: name, Hash: hashOf(name), Hint: "unreel_abcd",
		CreatedAt: created, ExpiresAt: created.Add(life),
	}
}

func addAPIKey(t *testing.T, store users.Store, key users.APIKey) users.APIKey {
	t.Helper()
	if err := store.AddAPIKey(t.Context(), key); err != nil {
		t.Fatalf("add: %v", err)
	}
	return key
}

func mustHaveAPIKeys(t *testing.T, store users.Store, user users.User, want ...users.APIKey) {
	t.Helper()
	got, err := store.APIKeys(t.Context(), user.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("keys differ (-want +got):\n%s", diff)
	}
	for _, key := range want {
		if got, err := store.FindAPIKey(t.Context(), key.Hash); err != nil || got != key {
			t.Errorf("by hash: got %v, %v, want %v", got, err, key)
		}
	}
}

func testAPIKeys(t *testing.T, store users.Store) {
	user, other := create(t, store, "ada@example.com"), create(t, store, "bob@example.com")
	mustHaveAPIKeys(t, store, user)
	first := addAPIKey(t, store, newAPIKey(user, strings.Repeat("é", 100)))
	second := newAPIKey(user, "laptop 😀")
	second.CreatedAt, second.ExpiresAt = created.Add(time.Second), time.Time{}
	addAPIKey(t, store, second)
	others := addAPIKey(t, store, newAPIKey(other, "bob's"))
	mustHaveAPIKeys(t, store, user, second, first)

	first.UsedAt = created.Add(time.Hour)
	if err := store.UseAPIKey(t.Context(), first.ID, first.UsedAt); err != nil {
		t.Errorf("use: %v", err)
	}
	if err := store.UseAPIKey(t.Context(), newUser("").ID, first.UsedAt); err != nil {
		t.Errorf("use what is not there: %v", err)
	}
	mustHaveAPIKeys(t, store, user, second, first)

	if err := store.RemoveAPIKey(t.Context(), other.ID, first.ID); !errors.Is(err, users.ErrNoAPIKey) {
		t.Errorf("remove another's: got %v, want ErrNoAPIKey", err)
	}
	if err := store.RemoveAPIKey(t.Context(), user.ID, first.ID); err != nil {
		t.Errorf("remove: %v", err)
	}
	if err := store.RemoveAPIKey(t.Context(), user.ID, first.ID); !errors.Is(err, users.ErrNoAPIKey) {
		t.Errorf("remove twice: got %v, want ErrNoAPIKey", err)
	}
	mustHaveAPIKeys(t, store, user, second)
	mustHaveAPIKeys(t, store, other, others)
}

func testAPIKeysEndWithAccount(t *testing.T, store users.Store) {
	user := create(t, store, "ada@example.com")
	key := addAPIKey(t, store, newAPIKey(user, "a"))
	if err := store.Change(t.Context(), user.ID, users.Change{PasswordHash: "new"}); err != nil {
		t.Fatal(err)
	}
	mustHaveAPIKeys(t, store, user, key)
	if err := store.Delete(t.Context(), user.ID); err != nil {
		t.Fatal(err)
	}
	if got, err := store.FindAPIKey(t.Context(), key.Hash); !errors.Is(err, users.ErrNoAPIKey) {
		t.Errorf("after the account: got %v, %v, want ErrNoAPIKey", got, err)
	}
	if err := store.AddAPIKey(t.Context(), newAPIKey(user, "late")); !errors.Is(err, users.ErrNotFound) {
		t.Errorf("add without an account: got %v, want ErrNotFound", err)
	}
}

// testAPIKeysHaveAnEnd adds the last ones at once.
func testAPIKeysHaveAnEnd(t *testing.T, store users.Store) {
	user := create(t, store, "ada@example.com")
	for i := range users.MaxAPIKeys - 1 {
		addAPIKey(t, store, newAPIKey(user, fmt.Sprint(i)))
	}
	const many = 4
	errs := make(chan error, many)
	for i := range many {
		go func() { errs <- store.AddAPIKey(t.Context(), newAPIKey(user, fmt.Sprint("last", i))) }()
	}
	added := 0
	for range many {
		switch err := <-errs; {
		case err == nil:
			added++
		case !errors.Is(err, users.ErrTooMany):
			t.Errorf("got %v, want ErrTooMany", err)
		}
	}
	if added != 1 {
		t.Errorf("%d keys were added where there was room for one", added)
	}
}
