// Package userstest is the suite that every users.Store has to pass, so that services can rely on the contract
// and on nothing else.
package userstest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/users"
)

// Run runs the suite. Each store that open returns must be empty, and is closed by it when its test ends.
func Run(t *testing.T, open func(t *testing.T) users.Store) {
	tests := []struct {
		name string
		run  func(*testing.T, users.Store)
	}{
		{"Create", testCreate},
		{"Taken", testTaken},
		{"TakenByOneOfMany", testTakenByOneOfMany},
		{"Spelling", testSpelling},
		{"List", testList},
		{"Change", testChange},
		{"ChangeAddress", testChangeAddress},
		{"ChangeAfterAnother", testChangeAfterAnother},
		{"ReplacePassword", testReplacePassword},
		{"Delete", testDelete},
		{"Missing", testMissing},
		{"Keys", testKeys},
		{"FirstKeyOfMany", testFirstKeyOfMany},
		{"AddKey", testAddKey},
		{"Rotate", testRotate},
		{"HasSession", testHasSession},
		{"Reuse", testReuse},
		{"ReuseByMany", testReuseByMany},
		{"Expiry", testExpiry},
		{"End", testEnd},
		{"EndWithAccount", testEndWithAccount},
		{"Collect", testCollect},
		{"ManySessions", testManySessions},
		{"APIKeys", testAPIKeys},
		{"APIKeysEndWithAccount", testAPIKeysEndWithAccount},
		{"APIKeysHaveAnEnd", testAPIKeysHaveAnEnd},
		{"Letters", testLetters},
		{"LettersAreClaimedOnce", testLettersAreClaimedOnce},
		{"ResetByMail", testResetByMail},
		{"LinksEndWithThePassword", testLinksEndWithThePassword},
		{"VerifyByMail", testVerifyByMail},
		{"CollectMailTokens", testCollectMailTokens},
		{"Canceled", testCanceled},
		{"Check", testCheck},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

// created has all the digits that a store keeps.
var created = time.Date(2026, 2, 3, 4, 5, 6, 789012000, time.UTC)

func newUser(email string) users.User {
	return users.User{
		ID:           string(conversion.NewID(created)),
		Email:        email,
		PasswordHash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA",
		CreatedAt:    created,
	}
}

func create(t *testing.T, store users.Store, email string) users.User {
	t.Helper()
	user := newUser(email)
	if err := store.Create(t.Context(), user); err != nil {
		t.Fatalf("create %s: %v", email, err)
	}
	return user
}

// mustHave checks what both look-ups return.
func mustHave(t *testing.T, store users.Store, want users.User) {
	t.Helper()
	byID, err := store.ByID(t.Context(), want.ID)
	if err != nil {
		t.Fatalf("by id: %v", err)
	}
	byEmail, err := store.ByEmail(t.Context(), want.Email)
	if err != nil {
		t.Fatalf("by address: %v", err)
	}
	for _, got := range []users.User{byID, byEmail} {
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("the account differs (-want +got):\n%s", diff)
		}
	}
}

func testCreate(t *testing.T, store users.Store) {
	mustHave(t, store, create(t, store, "ada@example.com"))
	admin := newUser("grace@example.com")
	admin.Admin, admin.Verified = true, true
	if err := store.Create(t.Context(), admin); err != nil {
		t.Fatal(err)
	}
	mustHave(t, store, admin)
	longest := strings.Repeat("é", 100) + "@" + strings.Repeat("d", 49) + ".tld"
	mustHave(t, store, create(t, store, longest))
}

func testTaken(t *testing.T, store users.Store) {
	first := create(t, store, "ada@example.com")
	second := newUser("ada@example.com")
	second.PasswordHash = "another"
	if err := store.Create(t.Context(), second); !errors.Is(err, users.ErrTaken) {
		t.Errorf("the second account with an address: got %v, want ErrTaken", err)
	}
	mustHave(t, store, first)
	if _, err := store.ByID(t.Context(), second.ID); !errors.Is(err, users.ErrNotFound) {
		t.Errorf("the refused account: got %v, want ErrNotFound", err)
	}
}

func testTakenByOneOfMany(t *testing.T, store users.Store) {
	const many = 12
	errs := make(chan error, many)
	for range many {
		go func() { errs <- store.Create(t.Context(), newUser("ada@example.com")) }()
	}
	winners := 0
	for range many {
		switch err := <-errs; {
		case err == nil:
			winners++
		case !errors.Is(err, users.ErrTaken):
			t.Errorf("got %v, want ErrTaken", err)
		}
	}
	if winners != 1 {
		t.Errorf("%d accounts were made for one address", winners)
	}
}

// testSpelling makes sure that addresses are compared byte by byte: a database's idea of which letters
// are alike would let one person read another's videos.
func testSpelling(t *testing.T, store users.Store) {
	list := []users.User{
		create(t, store, "jose@example.com"),
		create(t, store, "josé@example.com"),
		create(t, store, "strasse@example.com"),
		create(t, store, "straße@example.com"),
		create(t, store, "a_a@example.com"),
		create(t, store, "aXa@example.com"),
		create(t, store, "o'neil\\@example.com"),
		create(t, store, "😀@example.com"),
	}
	for _, user := range list {
		mustHave(t, store, user)
	}
	for _, other := range []string{"JOSE@example.com", "a%a@example.com", "%", "", "jose@example.com\x00"} {
		if _, err := store.ByEmail(t.Context(), other); !errors.Is(err, users.ErrNotFound) {
			t.Errorf("by address %q: got %v, want ErrNotFound", other, err)
		}
	}
	if _, err := store.ByID(t.Context(), strings.ToUpper(list[0].ID)); !errors.Is(err, users.ErrNotFound) {
		t.Errorf("an id in upper case: got %v, want ErrNotFound", err)
	}
}

func testList(t *testing.T, store users.Store) {
	if list, err := store.List(t.Context(), "", 10); err != nil || len(list) != 0 {
		t.Fatalf("an empty store: got %v, %v", list, err)
	}
	var want []users.User
	for _, name := range []string{"c", "a", "é", "b", "_", "z", "😀"} {
		want = append(want, create(t, store, name+"@example.com"))
	}
	slices.SortFunc(want, func(a, b users.User) int { return cmp.Compare(a.Email, b.Email) })
	var got []users.User
	for after := ""; ; after = got[len(got)-1].Email {
		page, err := store.List(t.Context(), after, 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
		if len(page) > 3 || len(got) > len(want) {
			t.Fatalf("got %d accounts at once, %d in all", len(page), len(got))
		}
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("pages differ (-want +got):\n%s", diff)
	}
}

func testChange(t *testing.T, store users.Store) {
	user, other := create(t, store, "ada@example.com"), create(t, store, "bob@example.com")
	// Twice the same, for a change that changes nothing must not read as a missing account.
	for range 2 {
		user.PasswordHash, user.Admin = "new hash", true
		if err := store.Change(t.Context(), user.ID, users.Change{PasswordHash: user.PasswordHash}); err != nil {
			t.Fatalf("change the password: %v", err)
		}
		if err := store.SetAdmin(t.Context(), user.ID, true); err != nil {
			t.Fatalf("set admin: %v", err)
		}
		mustHave(t, store, user)
	}
	user.Admin = false
	if err := store.SetAdmin(t.Context(), user.ID, false); err != nil {
		t.Fatalf("set admin: %v", err)
	}
	mustHave(t, store, user)
	mustHave(t, store, other)
}

func testChangeAddress(t *testing.T, store users.Store) {
	user, other := create(t, store, "ada@example.com"), create(t, store, "bob@example.com")
	if err := store.Change(t.Context(), user.ID, users.Change{Email: other.Email, PasswordHash: "new"}); !errors.Is(err, users.ErrTaken) {
		t.Errorf("another's address: got %v, want ErrTaken", err)
	}
	mustHave(t, store, user)
	verify := addMailToken(t, store, user, users.VerifyAddress, user.Email, "verify")
	if _, err := store.VerifyByMail(t.Context(), verify, created); err != nil {
		t.Fatal(err)
	}
	user.Verified = true
	for _, same := range []users.Change{{Email: user.Email}, {PasswordHash: user.PasswordHash}} {
		if err := store.Change(t.Context(), user.ID, same); err != nil {
			t.Fatalf("change nothing: %v", err)
		}
		mustHave(t, store, user)
	}
	user.Email, user.Verified = "ada@example.org", false
	for range 2 {
		if err := store.Change(t.Context(), user.ID, users.Change{Email: user.Email}); err != nil {
			t.Fatalf("change the address: %v", err)
		}
	}
	mustHave(t, store, user)
	mustHave(t, store, create(t, store, "ada@example.com"))
	if err := store.Change(t.Context(), user.ID, users.Change{}); err != nil {
		t.Errorf("change nothing: %v", err)
	}
	mustHave(t, store, user)
}

func testChangeAfterAnother(t *testing.T, store users.Store) {
	user := create(t, store, "ada@example.com")
	late := users.Change{OldHash: user.PasswordHash, Email: "thief@example.org", PasswordHash: "thief's"}
	user.PasswordHash = "new"
	if err := store.Change(t.Context(), user.ID, users.Change{OldHash: late.OldHash, PasswordHash: "new"}); err != nil {
		t.Fatal(err)
	}
	if err := store.Change(t.Context(), user.ID, late); !errors.Is(err, users.ErrNotFound) {
		t.Errorf("by the old password: got %v, want ErrNotFound", err)
	}
	mustHave(t, store, user)
}

func testReplacePassword(t *testing.T, store users.Store) {
	user := create(t, store, "ada@example.com")
	old := user.PasswordHash
	user.PasswordHash = "newer"
	if err := store.ReplacePassword(t.Context(), user.ID, old, "newer"); err != nil {
		t.Fatalf("replace: %v", err)
	}
	mustHave(t, store, user)
	if err := store.ReplacePassword(t.Context(), user.ID, old, "late"); !errors.Is(err, users.ErrNotFound) {
		t.Errorf("replace what has changed: got %v, want ErrNotFound", err)
	}
	mustHave(t, store, user)
}

func testDelete(t *testing.T, store users.Store) {
	user, other := create(t, store, "ada@example.com"), create(t, store, "bob@example.com")
	if err := store.Delete(t.Context(), user.ID); err != nil {
		t.Fatal(err)
	}
	if err := store.Delete(t.Context(), user.ID); !errors.Is(err, users.ErrNotFound) {
		t.Errorf("the second time: got %v, want ErrNotFound", err)
	}
	if _, err := store.ByEmail(t.Context(), user.Email); !errors.Is(err, users.ErrNotFound) {
		t.Errorf("after it: got %v, want ErrNotFound", err)
	}
	mustHave(t, store, other)
	mustHave(t, store, create(t, store, user.Email))
}

func testMissing(t *testing.T, store users.Store) {
	create(t, store, "ada@example.com")
	id := newUser("").ID
	calls := map[string]func(context.Context) error{
		"ByID":            func(ctx context.Context) error { _, err := store.ByID(ctx, id); return err },
		"ByEmail":         func(ctx context.Context) error { _, err := store.ByEmail(ctx, "bob@example.com"); return err },
		"Change":          func(ctx context.Context) error { return store.Change(ctx, id, users.Change{PasswordHash: "hash"}) },
		"ReplacePassword": func(ctx context.Context) error { return store.ReplacePassword(ctx, id, "hash", "hash") },
		"SetAdmin":        func(ctx context.Context) error { return store.SetAdmin(ctx, id, true) },
		"Delete":          func(ctx context.Context) error { return store.Delete(ctx, id) },
	}
	for name, call := range calls {
		if err := call(t.Context()); !errors.Is(err, users.ErrNotFound) {
			t.Errorf("%s: got %v, want ErrNotFound", name, err)
		}
	}
}

func newKey(id string, at time.Time) users.Key {
	seed := make([]byte, 32)
	copy(seed, "\x00\xff'\\"+id)
	return users.Key{ID: id, Seed: seed, CreatedAt: at}
}

func testKeys(t *testing.T, store users.Store) {
	offer := newKey("first", created)
	for _, next := range []users.Key{offer, newKey("second", created.Add(time.Hour)), {}} {
		got, err := store.Keys(t.Context(), next)
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff([]users.Key{offer}, got); diff != "" {
			t.Errorf("keys differ (-want +got):\n%s", diff)
		}
	}
}

func testFirstKeyOfMany(t *testing.T, store users.Store) {
	const many = 12
	type result struct {
		keys []users.Key
		err  error
	}
	results := make(chan result, many)
	for i := range many {
		go func() {
			keys, err := store.Keys(t.Context(), newKey(fmt.Sprint("key", i), created))
			results <- result{keys, err}
		}()
	}
	first := <-results
	if first.err != nil || len(first.keys) != 1 {
		t.Fatalf("got %v, %v, want one key", first.keys, first.err)
	}
	for range many - 1 {
		next := <-results
		if next.err != nil {
			t.Errorf("keys: %v", next.err)
		}
		if diff := gocmp.Diff(first.keys, next.keys); diff != "" {
			t.Errorf("two processes got different keys:\n%s", diff)
		}
	}
}

func testAddKey(t *testing.T, store users.Store) {
	first, second, third := newKey("b", created), newKey("c", created.Add(time.Second)), newKey("a", created.Add(time.Minute))
	if _, err := store.Keys(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	for _, key := range []users.Key{third, second} {
		if err := store.AddKey(t.Context(), key); err != nil {
			t.Fatalf("add: %v", err)
		}
	}
	if err := store.AddKey(t.Context(), second); err == nil {
		t.Error("a key was added twice")
	}
	got, err := store.Keys(t.Context(), newKey("d", created))
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff([]users.Key{third, second, first}, got); diff != "" {
		t.Errorf("keys differ (-want +got):\n%s", diff)
	}
}

func testCanceled(t *testing.T, store users.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := store.Create(ctx, newUser("ada@example.com")); !errors.Is(err, context.Canceled) {
		t.Errorf("create: got %v, want context.Canceled", err)
	}
	if _, err := store.ByEmail(ctx, "ada@example.com"); !errors.Is(err, context.Canceled) {
		t.Errorf("look up: got %v, want context.Canceled", err)
	}
	if _, err := store.ByEmail(t.Context(), "ada@example.com"); !errors.Is(err, users.ErrNotFound) {
		t.Errorf("after a canceled create: got %v, want ErrNotFound", err)
	}
}

func testCheck(t *testing.T, store users.Store) {
	if err := store.Check(t.Context()); err != nil {
		t.Error(err)
	}
}
