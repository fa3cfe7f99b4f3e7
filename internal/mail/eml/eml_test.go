package eml

import (
	"bytes"
	"errors"
	"mime"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/mail"
)

var date = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func encode(t *testing.T, message mail.Message) []byte {
	t.Helper()
	encoder, err := NewEncoder("Unreel <unreel@localhost>")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := encoder.Encode(message, date)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func message(subject string) mail.Message {
	return mail.Message{ID: "a.b@localhost", To: "ada@example.com", Subject: subject, Text: "text"}
}

func TestNewEncoder(t *testing.T) {
	for from, want := range map[string]string{
		"Unreel <unreel@localhost>": "unreel@localhost",
		"unreel@example.com":        "unreel@example.com",
		"\"A, B\" <c@example.com>":  "c@example.com",
		"":                          "",
		"Unreel":                    "",
		"a@b.c, d@e.f":              "",
		"A <a@b.c>\r\nBcc: x@y.z":   "",
	} {
		encoder, err := NewEncoder(from)
		switch {
		case want == "" && (err == nil || !strings.Contains(err.Error(), "UNREEL_MAIL_FROM")):
			t.Errorf("%q: got error %v, want one that names the setting", from, err)
		case want != "" && err != nil:
			t.Errorf("%q: %v", from, err)
		case want != "" && encoder.From() != want:
			t.Errorf("%q: sender is %q, want %q", from, encoder.From(), want)
		}
	}
}

func TestHeader(t *testing.T) {
	got, err := netmail.ReadMessage(bytes.NewReader(encode(t, message("Hello"))))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"From":           `"Unreel" <unreel@localhost>`,
		"To":             "<ada@example.com>",
		"Subject":        "Hello",
		"Message-ID":     "<a.b@localhost>",
		"Date":           "Fri, 02 Jan 2026 03:04:05 +0000",
		"Auto-Submitted": "auto-generated",
		"MIME-Version":   "1.0",
		"User-Agent":     "",
	} {
		if value := got.Header.Get(key); value != want {
			t.Errorf("%s is %q, want %q", key, value, want)
		}
	}
}

func TestRefused(t *testing.T) {
	encoder, err := NewEncoder("unreel@localhost")
	if err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string]func(*mail.Message){
		"no address":        func(m *mail.Message) { m.To = "" },
		"two addresses":     func(m *mail.Message) { m.To = "a@b.c, d@e.f" },
		"a name":            func(m *mail.Message) { m.To = "Ada <ada@example.com>" },
		"header in address": func(m *mail.Message) { m.To = "ada@example.com\r\nBcc: eve@example.com" },
		"command in it":     func(m *mail.Message) { m.To = "ada@example.com>\r\nDATA" },
		"no id":             func(m *mail.Message) { m.ID = "" },
		"id without a host": func(m *mail.Message) { m.ID = "a@" },
		"header in id":      func(m *mail.Message) { m.ID = "a@b>\r\nBcc: eve@example.com" },
	} {
		m := message("Hello")
		edit(&m)
		if _, err := encoder.Encode(m, date); !errors.Is(err, mail.ErrRefused) {
			t.Errorf("%s: got %v, want ErrRefused", name, err)
		}
	}
}

// TestLinkIsWhole reads a mail as a person with a pager does.
func TestLinkIsWhole(t *testing.T) {
	link := "http://localhost:8080/download?fid=" + strings.Repeat("a=b&", 40)
	for name, test := range map[string]struct {
		before string
		want   bool
	}{
		"ASCII":        {"Grusse", true},
		"not ASCII":    {"Grüße", false},
		"control":      {"a\x00", false},
		"carriage":     {"a\rb", false},
		"a long line":  {strings.Repeat("x", 901), false},
		"DOS line end": {"a\r\nb", true},
	} {
		m := message("Hello")
		m.Text, m.HTML = test.before+"\n\n"+link+"\n", "<p>html</p>"
		raw := string(encode(t, m))
		if got := strings.Contains(raw, "\r\n"+link+"\r\n"); got != test.want {
			t.Errorf("%s: the link stands whole: %t, want %t\n%s", name, got, test.want, raw)
		}
		if strings.Contains(strings.ReplaceAll(raw, "\r\n", ""), "\r") || strings.Contains(raw, "\r\r") {
			t.Errorf("%s: a line end is broken:\n%q", name, raw)
		}
	}
}

// FuzzSubject looks for a subject that breaks the header, or is not read back as one line of the same text.
func FuzzSubject(f *testing.F) {
	for _, seed := range []string{
		"Your MP3 is ready: talk.mp4", "Grüße 🎬.mp4", "a\r\nBcc: eve@example.com", strings.Repeat("abc ", 400),
		"\r\n\r\nbody", "=?utf-8?q?Bcc?=",
		"\xff\xfe", "  spaces \t and  tabs ", strings.Repeat("long", 300), strings.Repeat("ü", 300), "\u2028\u0085", "",
		strings.Repeat("=?ü", 60),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		raw := encode(t, message(text))
		for line := range bytes.Lines(raw) {
			if len(line) > 1000 {
				t.Errorf("a line has %d bytes", len(line))
			}
		}
		got, err := netmail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("cannot be read: %v", err)
		}
		if len(got.Header) != 9 {
			t.Errorf("the header has %d fields, want 9: %q", len(got.Header), got.Header)
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
		if err != nil {
			t.Fatalf("subject cannot be read: %v", err)
		}
		clean := strings.FieldsFunc(strings.ToValidUTF8(text, "\uFFFD"), isSpaceOrControl)
		if want := strings.Join(clean, " "); subject != want {
			t.Errorf("subject is read as %q, want %q", subject, want)
		}
	})
}
