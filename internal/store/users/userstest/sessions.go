package userstest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/users"
)

// How long the suite's sessions last, unused and in all.
const (
	idle = 24 * time.Hour
	life = 10 * idle
)

func hashOf(secret string) users.Hash { return sha256.Sum256([]byte(secret)) }

func newSession(user users.User, name string) users.Session {
	return users.Session{
		ID: string(conversion.NewID(created)), UserID: user.ID, Family: hashOf(name), Token: hashOf(name + " 1"),
		CreatedAt: created, ExpiresAt: created.Add(idle), EndsAt: created.Add(life),
	}
}

func begin(t *testing.T, store users.Store, user users.User, name string) users.Session {
	t.Helper()
	session := newSession(user, name)
	if err := store.BeginSession(t.Context(), session, user.PasswordHash); err != nil {
		t.Fatalf("begin %s: %v", name, err)
	}
	return session
}

// turnOf uses a session's token some time after it began.
func turnOf(session users.Session, next string, after time.Duration) users.Turn {
	now := created.Add(after)
	return users.Turn{
		Family: session.Family, Token: session.Token, Next: hashOf(next), Now: now, ExpiresAt: now.Add(idle),
	}
}

func mustRotate(t *testing.T, store users.Store, turn users.Turn) users.Session {
	t.Helper()
	session, err := store.RotateSession(t.Context(), turn)
	if err != nil {
		t.Fatalf("rotate: %v", err)
	}
	return session
}

func mustRefuse(t *testing.T, store users.Store, turn users.Turn, want error) {
	t.Helper()
	if _, err := store.RotateSession(t.Context(), turn); !errors.Is(err, want) {
		t.Errorf("rotate: got %v, want %v", err, want)
	}
}

func testRotate(t *testing.T, store users.Store) {
	user := create(t, store, "ada@example.com")
	other := begin(t, store, user, "other")
	want := begin(t, store, user, "first")
	for i := range 3 {
		after := time.Duration(i) * time.Hour
		got := mustRotate(t, store, turnOf(want, fmt.Sprint("next", i), after))
		want.Token, want.ExpiresAt = hashOf(fmt.Sprint("next", i)), created.Add(after+idle)
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("the session differs (-want +got):\n%s", diff)
		}
	}
	mustRotate(t, store, turnOf(other, "x", 0))
}

func testHasSession(t *testing.T, store users.Store) {
	user := create(t, store, "ada@example.com")
	session, other := begin(t, store, user, "first"), begin(t, store, user, "other")
	expect := func(when, id string, at time.Time, want bool) {
		t.Helper()
		if got, err := store.HasSession(t.Context(), id, at); err != nil || got != want {
			t.Errorf("%s: got %t, %v, want %t", when, got, err, want)
		}
	}
	expect("begun", session.ID, created, true)
	expect("unknown", newSession(user, "x").ID, created, false)
	expect("expired", session.ID, created.Add(idle), false)
	mustRotate(t, store, turnOf(session, "next", time.Hour))
	expect("gone on with", session.ID, created.Add(idle), true)
	if err := store.EndSession(t.Context(), session.ID); err != nil {
		t.Fatal(err)
	}
	expect("ended", session.ID, created, false)
	expect("another of the account", other.ID, created, true)
}

func testReuse(t *testing.T, store users.Store) {
	user := create(t, store, "ada@example.com")
	other := begin(t, store, user, "other")
	first := begin(t, store, user, "first")
	last := mustRotate(t, store, turnOf(mustRotate(t, store, turnOf(first, "2", 0)), "3", 0))
	mustRefuse(t, store, turnOf(first, "thief's", 0), users.ErrReused)
	mustRefuse(t, store, turnOf(last, "4", 0), users.ErrNoSession)
	mustRefuse(t, store, turnOf(first, "thief's", 0), users.ErrNoSession)
	mustRotate(t, store, turnOf(other, "x", 0))
}

// testReuseByMany uses one token many times at once: one gets the next token, and the others end the session, so
// that no token of it is good afterwards.
func testReuseByMany(t *testing.T, store users.Store) {
	const many = 8
	first := begin(t, store, create(t, store, "ada@example.com"), "first")
	type result struct {
		session users.Session
		err     error
	}
	results := make(chan result, many)
	for i := range many {
		go func() {
			session, err := store.RotateSession(t.Context(), turnOf(first, fmt.Sprint("next", i), 0))
			results <- result{session, err}
		}()
	}
	var won []users.Session
	reused := 0
	for range many {
		got := <-results
		switch {
		case got.err == nil:
			won = append(won, got.session)
		case errors.Is(got.err, users.ErrReused):
			reused++
		case !errors.Is(got.err, users.ErrNoSession):
			t.Errorf("got %v", got.err)
		}
	}
	if len(won) != 1 || reused != 1 {
		t.Fatalf("%d turns won and %d ended the session, want 1 and 1", len(won), reused)
	}
	mustRefuse(t, store, turnOf(won[0], "last", 0), users.ErrNoSession)
}

func testExpiry(t *testing.T, store users.Store) {
	user := create(t, store, "ada@example.com")
	unused := begin(t, store, user, "unused")
	mustRefuse(t, store, turnOf(unused, "late", idle), users.ErrNoSession)
	mustRefuse(t, store, turnOf(unused, "late", 0), users.ErrNoSession)

	used := begin(t, store, user, "used")
	for i := range 10 {
		used = mustRotate(t, store, turnOf(used, fmt.Sprint(i), time.Duration(i+1)*(idle-time.Minute)))
	}
	if !used.ExpiresAt.Equal(created.Add(life)) {
		t.Errorf("it expires at %v, want %v, its end", used.ExpiresAt, created.Add(life))
	}
	mustRefuse(t, store, turnOf(used, "late", life), users.ErrNoSession)
}

func testEnd(t *testing.T, store users.Store) {
	user := create(t, store, "ada@example.com")
	byID, byToken, other := begin(t, store, user, "a"), begin(t, store, user, "b"), begin(t, store, user, "c")
	for range 2 {
		if err := store.EndSession(t.Context(), byID.ID); err != nil {
			t.Errorf("by id: %v", err)
		}
		if err := store.EndFamily(t.Context(), byToken.Family); err != nil {
			t.Errorf("by token: %v", err)
		}
	}
	mustRefuse(t, store, turnOf(byID, "x", 0), users.ErrNoSession)
	mustRefuse(t, store, turnOf(byToken, "y", 0), users.ErrNoSession)
	mustRotate(t, store, turnOf(other, "z", 0))
}

// testEndWithAccount takes an account's password, and then the account, away from whoever is logged in.
func testEndWithAccount(t *testing.T, store users.Store) {
	user, other := create(t, store, "ada@example.com"), create(t, store, "bob@example.com")
	session, others := begin(t, store, user, "a"), begin(t, store, other, "b")
	old := user.PasswordHash
	if err := store.ReplacePassword(t.Context(), user.ID, old, "rehashed"); err != nil {
		t.Fatal(err)
	}
	session = mustRotate(t, store, turnOf(session, "rehashed", 0))
	kept := begin(t, store, users.User{ID: user.ID, PasswordHash: "rehashed"}, "kept")
	if err := store.Change(t.Context(), user.ID, users.Change{PasswordHash: "new", KeepSession: kept.ID}); err != nil {
		t.Fatal(err)
	}
	mustRefuse(t, store, turnOf(session, "x", 0), users.ErrNoSession)
	kept = mustRotate(t, store, turnOf(kept, "kept 2", 0))
	if err := store.Change(t.Context(), user.ID, users.Change{PasswordHash: "new"}); err != nil {
		t.Fatal(err)
	}
	mustRefuse(t, store, turnOf(kept, "z", 0), users.ErrNoSession)
	if err := store.BeginSession(t.Context(), newSession(user, "late"), old); !errors.Is(err, users.ErrNotFound) {
		t.Errorf("begin with the old password: got %v, want ErrNotFound", err)
	}
	user.PasswordHash = "new"
	session = begin(t, store, user, "c")
	if err := store.Delete(t.Context(), user.ID); err != nil {
		t.Fatal(err)
	}
	mustRefuse(t, store, turnOf(session, "y", 0), users.ErrNoSession)
	if err := store.BeginSession(t.Context(), newSession(user, "late"), "new"); !errors.Is(err, users.ErrNotFound) {
		t.Errorf("begin without an account: got %v, want ErrNotFound", err)
	}
	mustRotate(t, store, turnOf(others, "z", 0))
}

func testCollect(t *testing.T, store users.Store) {
	user := create(t, store, "ada@example.com")
	for i := range 5 {
		begin(t, store, user, fmt.Sprint("unused", i))
	}
	used := mustRotate(t, store, turnOf(begin(t, store, user, "used"), "2", idle/2))
	for _, want := range []int{2, 2, 1, 0} {
		if got, err := store.CollectSessions(t.Context(), created.Add(idle), 2); err != nil || got != want {
			t.Errorf("collected %d, %v, want %d", got, err, want)
		}
	}
	mustRotate(t, store, turnOf(used, "3", idle))
}

func testManySessions(t *testing.T, store users.Store) {
	user, other := create(t, store, "ada@example.com"), create(t, store, "bob@example.com")
	others := begin(t, store, other, "other")
	oldest := begin(t, store, user, "oldest")
	var rest []users.Session
	for i := range users.MaxSessions {
		session := newSession(user, fmt.Sprint(i))
		session.ExpiresAt = session.ExpiresAt.Add(time.Minute)
		if err := store.BeginSession(t.Context(), session, user.PasswordHash); err != nil {
			t.Fatal(err)
		}
		rest = append(rest, session)
	}
	mustRefuse(t, store, turnOf(oldest, "x", 0), users.ErrNoSession)
	mustRotate(t, store, turnOf(rest[0], "y", 0))
	mustRotate(t, store, turnOf(rest[len(rest)-1], "z", 0))
	mustRotate(t, store, turnOf(others, "other's", 0))
}
