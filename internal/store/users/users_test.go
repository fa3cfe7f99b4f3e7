package users_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/unreel/unreel/internal/store/users"
)

func TestNormalizeEmail(t *testing.T) {
	tests := []struct{ text, want string }{
		{"ada@example.com", "ada@example.com"},
		{"  Ada.Lovelace+mp3@Example.COM\n", "ada.lovelace+mp3@example.com"},
		{"ada@localhost", "ada@localhost"},
		{"JOSÉ@example.com", "josé@example.com"},
		{"o'neil@example.com", "o'neil@example.com"},
		{"", ""},
		{"ada", ""},
		{"ada@", ""},
		{"@example.com", ""},
		{"a b@example.com", ""},
		{"ada@example.com, bob@example.com", ""},
		{"Ada <ada@example.com>", ""},
		{"<ada@example.com>", ""},
		{`"ada"@example.com`, ""},
		{"ada@example.com\r\nBcc: bob@example.com", ""},
		{"ada\x00@example.com", ""},
		{"ada\xff@example.com", ""},
		{strings.Repeat("a", 250) + "@b.co", ""},
	}
	for _, test := range tests {
		got, err := users.NormalizeEmail(test.text)
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("NormalizeEmail(%q) = %q, %v, want %q", test.text, got, err, test.want)
		}
	}
}

// FuzzNormalizeEmail looks for an address with two spellings, and for one that could end a header in a mail.
func FuzzNormalizeEmail(f *testing.F) {
	for _, seed := range []string{"Ada@Example.com", "\u0130@example.com", "a\xff@b.c", "\u212a@x", "a@\u1e9e.de"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once, err := users.NormalizeEmail(text)
		if err != nil {
			return
		}
		if twice, err := users.NormalizeEmail(once); err != nil || twice != once {
			t.Errorf("%q became %q and then %q, %v", text, once, twice, err)
		}
		if strings.ContainsAny(once, "\r\n\x00 <>\"") || !utf8.ValidString(once) || len(once) > 254 {
			t.Errorf("%q became %q", text, once)
		}
	})
}
