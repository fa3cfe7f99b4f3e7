package auth

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

// cheap keeps tests fast.
var cheap = cost{memory: 64, passes: 1, threads: 1}

func TestHash(t *testing.T) {
	h := newHasher(cheap, 2)
	first, err := h.hash(t.Context(), "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	second, err := h.hash(t.Context(), "correct horse battery")
	if err != nil || first == second {
		t.Errorf("one password has the hash %s twice, %v", first, err)
	}
	if !strings.HasPrefix(first, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Errorf("got %s", first)
	}
	for password, want := range map[string]bool{"correct horse battery": true, "correct horse battery ": false, "": false} {
		match, stale, err := h.verify(t.Context(), first, password)
		if match != want || stale || err != nil {
			t.Errorf("verify %q: got %v, %v, %v", password, match, stale, err)
		}
	}
}

func TestSpellingsOfOnePassword(t *testing.T) {
	h := newHasher(cheap, 1)
	phc, err := h.hash(t.Context(), "caf\u00e9 au lait")
	if err != nil {
		t.Fatal(err)
	}
	if match, _, err := h.verify(t.Context(), phc, "cafe\u0301 au lait"); !match || err != nil {
		t.Errorf("got %v, %v", match, err)
	}
}

func TestStaleHash(t *testing.T) {
	phc, err := newHasher(cheap, 1).hash(t.Context(), "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	today := newHasher(cost{memory: 128, passes: 1, threads: 1}, 1)
	if match, stale, err := today.verify(t.Context(), phc, "correct horse battery"); !match || !stale || err != nil {
		t.Errorf("got %v, %v, %v", match, stale, err)
	}
}

func TestDummyMatchesNothing(t *testing.T) {
	h := newHasher(cheap, 1)
	for _, password := range []string{"", "password"} {
		if match, stale, err := h.verify(t.Context(), h.dummy, password); match || stale || err != nil {
			t.Errorf("got %v, %v, %v", match, stale, err)
		}
	}
}

func TestHashWaitsForASlot(t *testing.T) {
	h := newHasher(cheap, 1)
	h.slots <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.hash(ctx, "correct horse battery"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if match, _, err := h.verify(ctx, h.dummy, "correct horse battery"); match || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v, want context.Canceled", match, err)
	}
}

// TestCost holds what every log-in costs whoever guesses.
func TestCost(t *testing.T) {
	if currentCost.memory < 19<<10 || currentCost.passes < 2 || !currentCost.sane() {
		t.Errorf("got %+v", currentCost)
	}
	if got := NewAccounts(nil, nil).hasher.cost; got != currentCost {
		t.Errorf("accounts hash at %+v", got)
	}
}

func FuzzParsePHC(f *testing.F) {
	h := newHasher(cheap, 1)
	f.Add(h.dummy)
	f.Add("$argon2id$v=19$m=65536,t=0,p=0$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA")
	f.Add("$argon2id$v=19$m=4294967295,t=4294967295,p=255$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA")
	f.Add("$2a$10$abcdefghijklmnopqrstuv")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := parsePHC(text)
		if err != nil {
			return
		}
		again, err := parsePHC(formatPHC(parsed))
		if err != nil || again.cost != parsed.cost || !slices.Equal(again.hash, parsed.hash) || !slices.Equal(again.salt, parsed.salt) {
			t.Errorf("%q became %+v and then %+v, %v", text, parsed, again, err)
		}
		if !parsed.cost.sane() || len(parsed.hash) == 0 || len(parsed.salt) == 0 {
			t.Errorf("%q was let through as %+v", text, parsed)
		}
	})
}

// TestKnownHash checks a hash that another implementation made: the example of argon2-cffi's documentation.
func TestKnownHash(t *testing.T) {
	const phc = "$argon2id$v=19$m=65536,t=3,p=4$MIIRqgvgQbgj220jfp0MPA$YfwJSVjtjSU0zzV/P3S9nnQ/USre2wvJMjfCIjrTQbg"
	match, stale, err := newHasher(cheap, 1).verify(t.Context(), phc, "correct horse battery staple")
	if !match || !stale || err != nil {
		t.Errorf("got %v, %v, %v", match, stale, err)
	}
}
