package userstest

import (
	"errors"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/users"
)

func addLetter(t *testing.T, store users.Store, userID, address string, at time.Time) users.Letter {
	t.Helper()
	letter := users.Letter{ID: string(conversion.NewID(created)), Purpose: users.VerifyAddress, UserID: userID, Address: address, CreatedAt: at}
	if err := store.AddLetter(t.Context(), letter); err != nil {
		t.Fatal(err)
	}
	return letter
}

func mustClaim(t *testing.T, store users.Store, now, until time.Time, limit int, want ...users.Letter) {
	t.Helper()
	got, err := store.ClaimLetters(t.Context(), now, until, limit)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("letters differ (-want +got):\n%s", diff)
	}
}

func testLetters(t *testing.T, store users.Store) {
	user := create(t, store, "ada@example.com")
	second := addLetter(t, store, user.ID, "ada@example.com", created.Add(time.Second))
	first := addLetter(t, store, "", "é😀@example.com", created)
	later := addLetter(t, store, "", "bob@example.com", created.Add(time.Hour))
	now := created.Add(time.Minute)
	mustClaim(t, store, now, now.Add(time.Minute), 1, first)
	mustClaim(t, store, now, now.Add(time.Minute), 10, second)
	mustClaim(t, store, now, now.Add(time.Minute), 10)
	if err := store.RemoveLetter(t.Context(), first.ID); err != nil {
		t.Error(err)
	}
	if err := store.RemoveLetter(t.Context(), first.ID); err != nil {
		t.Errorf("remove what is not there: %v", err)
	}
	mustClaim(t, store, now.Add(time.Minute), now.Add(time.Hour), 10, second)
	if err := store.Delete(t.Context(), user.ID); err != nil {
		t.Fatal(err)
	}
	mustClaim(t, store, now.Add(2*time.Hour), now.Add(3*time.Hour), 10, later)
}

// testLettersAreClaimedOnce has many claim at once.
func testLettersAreClaimedOnce(t *testing.T, store users.Store) {
	const many = 8
	left := map[string]bool{}
	for range many {
		left[addLetter(t, store, "", "ada@example.com", created).ID] = true
	}
	claims := make(chan []users.Letter, many)
	for range many {
		go func() {
			letters, err := store.ClaimLetters(t.Context(), created, created.Add(time.Hour), 2)
			if err != nil {
				t.Error(err)
			}
			claims <- letters
		}()
	}
	for range many {
		for _, letter := range <-claims {
			if !left[letter.ID] {
				t.Errorf("%s was claimed twice", letter.ID)
			}
			delete(left, letter.ID)
		}
	}
}

func addMailToken(t *testing.T, store users.Store, user users.User, purpose users.Purpose, address, text string) users.Hash {
	t.Helper()
	token := users.MailToken{Hash: hashOf(text), Purpose: purpose, UserID: user.ID, Address: address, ExpiresAt: created.Add(idle)}
	if err := store.AddMailToken(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	return token.Hash
}

func testResetByMail(t *testing.T, store users.Store) {
	user := create(t, store, "ada@example.com")
	session := begin(t, store, user, "a")
	first := addMailToken(t, store, user, users.ResetPassword, user.Email, "1")
	second := addMailToken(t, store, user, users.ResetPassword, user.Email, "2")
	verify := addMailToken(t, store, user, users.VerifyAddress, user.Email, "3")
	elsewhere := addMailToken(t, store, user, users.ResetPassword, "ada@example.org", "4")
	refuse := func(when string, hash users.Hash, at time.Time) {
		t.Helper()
		if _, err := store.ResetByMail(t.Context(), hash, "stolen", at); !errors.Is(err, users.ErrNoMailToken) {
			t.Errorf("%s: got %v, want ErrNoMailToken", when, err)
		}
	}
	refuse("unknown", hashOf("5"), created)
	refuse("expired", first, created.Add(idle))
	refuse("for another purpose", verify, created)
	refuse("mailed elsewhere", elsewhere, created)
	mustHave(t, store, user)

	user.PasswordHash, user.Verified = "new", true
	if id, err := store.ResetByMail(t.Context(), first, "new", created); err != nil || id != user.ID {
		t.Errorf("reset: %q, %v", id, err)
	}
	mustHave(t, store, user)
	mustRefuse(t, store, turnOf(session, "x", 0), users.ErrNoSession)
	refuse("used", first, created)
	refuse("older than the one that was used", second, created)
	if _, err := store.VerifyByMail(t.Context(), verify, created); err != nil {
		t.Errorf("verify afterwards: %v", err)
	}
}

// testLinksEndWithThePassword holds that whoever knew the password before has no link left that takes the account, and that
// the address can still be confirmed.
func testLinksEndWithThePassword(t *testing.T, store users.Store) {
	for name, change := range map[string]func(user users.User, reset users.Hash) error{
		"changed": func(user users.User, _ users.Hash) error {
			return store.Change(t.Context(), user.ID, users.Change{PasswordHash: "new"})
		},
		"reset": func(user users.User, reset users.Hash) error {
			_, err := store.ResetByMail(t.Context(), reset, "new", created)
			return err
		},
	} {
		user, other := create(t, store, name+"@example.com"), create(t, store, name+"@example.net")
		token := func(user users.User, purpose users.Purpose, address string) users.Hash {
			return addMailToken(t, store, user, purpose, address, name+string(purpose)+user.ID)
		}
		reset, verify := token(user, users.ResetPassword, user.Email), token(user, users.VerifyAddress, user.Email)
		moved, others := token(user, users.ChangeAddress, "thief@example.org"), token(other, users.ChangeAddress, name+"@example.org")
		waiting := users.Letter{ID: string(conversion.NewID(created)), Purpose: users.ChangeAddress, UserID: user.ID, Address: "thief@example.org", CreatedAt: created}
		if err := store.AddLetter(t.Context(), waiting); err != nil {
			t.Fatal(err)
		}
		stays := addLetter(t, store, user.ID, user.Email, created)

		if err := change(user, reset); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := store.ResetByMail(t.Context(), reset, "stolen", created); !errors.Is(err, users.ErrNoMailToken) {
			t.Errorf("%s: reset by an older link: got %v, want ErrNoMailToken", name, err)
		}
		if _, err := store.VerifyByMail(t.Context(), moved, created); !errors.Is(err, users.ErrNoMailToken) {
			t.Errorf("%s: another address by an older link: got %v, want ErrNoMailToken", name, err)
		}
		mustClaim(t, store, created, created.Add(idle), 10, stays)
		for _, hash := range []users.Hash{verify, others} {
			if _, err := store.VerifyByMail(t.Context(), hash, created); err != nil {
				t.Errorf("%s: verify: %v", name, err)
			}
		}
		if err := store.RemoveLetter(t.Context(), stays.ID); err != nil {
			t.Error(err)
		}
	}
}

func testVerifyByMail(t *testing.T, store users.Store) {
	user, other := create(t, store, "ada@example.com"), create(t, store, "bob@example.com")
	verify := addMailToken(t, store, user, users.VerifyAddress, user.Email, "1")
	change := addMailToken(t, store, user, users.ChangeAddress, "ada@example.org", "2")
	taken := addMailToken(t, store, user, users.ChangeAddress, other.Email, "3")
	reset := addMailToken(t, store, user, users.ResetPassword, user.Email, "4")
	refuse := func(when string, hash users.Hash, at time.Time, want error) {
		t.Helper()
		if _, err := store.VerifyByMail(t.Context(), hash, at); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", when, err, want)
		}
	}
	refuse("unknown", hashOf("5"), created, users.ErrNoMailToken)
	refuse("expired", verify, created.Add(idle), users.ErrNoMailToken)
	refuse("for another purpose", reset, created, users.ErrNoMailToken)
	refuse("another's address", taken, created, users.ErrTaken)
	mustHave(t, store, user)

	user.Verified = true
	for range 2 {
		if id, err := store.VerifyByMail(t.Context(), verify, created); err != nil || id != user.ID {
			t.Errorf("verify: %q, %v", id, err)
		}
		mustHave(t, store, user)
	}
	user.Email = "ada@example.org"
	if _, err := store.VerifyByMail(t.Context(), change, created); err != nil {
		t.Errorf("change: %v", err)
	}
	mustHave(t, store, user)
	refuse("changed already", change, created, users.ErrNoMailToken)
	refuse("of the address before", verify, created, users.ErrNoMailToken)
	mustHave(t, store, other)
}

func testCollectMailTokens(t *testing.T, store users.Store) {
	user := create(t, store, "ada@example.com")
	for _, text := range []string{"1", "2", "3"} {
		addMailToken(t, store, user, users.VerifyAddress, user.Email, text)
	}
	for _, step := range []struct {
		at   time.Time
		want int
	}{{created, 0}, {created.Add(idle), 2}, {created.Add(idle), 1}, {created.Add(idle), 0}} {
		if removed, err := store.CollectMailTokens(t.Context(), step.at, 2); err != nil || removed != step.want {
			t.Errorf("collected %d, %v, want %d", removed, err, step.want)
		}
	}
}
