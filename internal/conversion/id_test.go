package conversion_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/conversion"
)

func TestParseID(t *testing.T) {
	const good = "6b033c4259dafd7437a38151"
	for text, want := range map[string]conversion.ID{
		good:                                 good,
		strings.ToUpper(good):                good,
		"":                                   "",
		good[1:]:                             "",
		good + "0":                           "",
		good[:23] + "g":                      "",
		" " + good[1:]:                       "",
		good[:22] + "é":                      "",
		"../../../../../etc/ab"[:21] + "abc": "",
	} {
		got, err := conversion.ParseID(text)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("ParseID(%q) = %q, %v; want %q", text, got, err, want)
		}
		if err != nil && !errors.Is(err, conversion.ErrBadID) {
			t.Errorf("ParseID(%q): %v is no ErrBadID", text, err)
		}
	}
}

// TestNewID wants ids that are told apart whoever makes them at once, and that begin with their time.
func TestNewID(t *testing.T) {
	now := time.Unix(0x6b033c42, 999)
	const makers, each = 8, 500
	made := make(chan conversion.ID, makers*each)
	var group sync.WaitGroup
	for range makers {
		group.Go(func() {
			for range each {
				made <- conversion.NewID(now)
			}
		})
	}
	group.Wait()
	close(made)
	seen := map[conversion.ID]bool{}
	for id := range made {
		if parsed, err := conversion.ParseID(string(id)); err != nil || parsed != id {
			t.Fatalf("%q is not an id: %v", id, err)
		}
		if !strings.HasPrefix(string(id), "6b033c42") {
			t.Fatalf("%q does not begin with its time", id)
		}
		if seen[id] {
			t.Fatalf("%q was made twice", id)
		}
		seen[id] = true
	}
}
