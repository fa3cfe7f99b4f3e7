// Package mailtest is the suite that every sender of mail passes: what leaves it is one well-formed mail,
// whatever stands in the names and addresses that it is made of.
package mailtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/mail"
)

// From is the sender that backends are to be opened with.
const From = "Unreel <unreel@example.com>"

// Backend is a sender and a look at what it has delivered.
type Backend struct {
	Sender    mail.Sender
	Delivered func(t *testing.T) [][]byte // whole mails
}

// Run tests a backend. Each call of open returns one that has delivered nothing.
func Run(t *testing.T, open func(t *testing.T) Backend) {
	tests := []struct {
		name string
		run  func(t *testing.T, backend Backend)
	}{
		{"check", testCheck},
		{"whole mail", testWhole},
		{"subjects", testSubjects},
		{"lines", testLines},
		{"header injection", testInjection},
		{"canceled", testCanceled},
		{"many", testMany},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

// Message is a mail that can be sent.
func Message() mail.Message {
	return mail.Message{
		ID:      "6b033c4259dafd7437a38151.completed.1@unreel.example.com",
		To:      "ada@example.com",
		Subject: "Your MP3 is ready: talk.mp4",
		Text:    "Hello\n\nBye",
		HTML:    "<p>Hello &amp; bye</p>",
	}
}

func send(t *testing.T, backend Backend, message mail.Message) {
	t.Helper()
	if err := backend.Sender.Send(t.Context(), message); err != nil {
		t.Fatalf("send: %v", err)
	}
}

// last returns the mail that came last, and fails unless there are as many as expected.
func last(t *testing.T, backend Backend, count int) ([]byte, *netmail.Message) {
	t.Helper()
	delivered := backend.Delivered(t)
	if len(delivered) != count {
		t.Fatalf("%d mails were delivered, want %d", len(delivered), count)
	}
	raw := delivered[count-1]
	parsed, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("the mail cannot be read: %v", err)
	}
	return raw, parsed
}

func testCheck(t *testing.T, backend Backend) {
	if err := backend.Sender.Check(t.Context()); err != nil {
		t.Errorf("check: %v", err)
	}
	if count := len(backend.Delivered(t)); count != 0 {
		t.Errorf("check delivered %d mails", count)
	}
}

func testWhole(t *testing.T, backend Backend) {
	message := Message()
	send(t, backend, message)
	_, parsed := last(t, backend, 1)
	for key, want := range map[string]string{
		"From":           `"Unreel" <unreel@example.com>`,
		"To":             "<" + message.To + ">",
		"Subject":        message.Subject,
		"Message-ID":     "<" + message.ID + ">",
		"Auto-Submitted": "auto-generated",
		"MIME-Version":   "1.0",
	} {
		if got := parsed.Header.Get(key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if _, err := parsed.Header.Date(); err != nil {
		t.Errorf("date: %v", err)
	}
	want := map[string]string{"text/plain": message.Text, "text/html": message.HTML}
	if diff := cmp.Diff(want, parts(t, parsed)); diff != "" {
		t.Errorf("parts by type (-want +got):\n%s", diff)
	}
}

// parts returns the decoded alternatives by their type, line ends as in Go.
func parts(t *testing.T, message *netmail.Message) map[string]string {
	t.Helper()
	kind, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("content type is %q (%v), want multipart/alternative", kind, err)
	}
	found := map[string]string{}
	reader := multipart.NewReader(message.Body, params["boundary"])
	for {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatalf("next part: %v", err)
		}
		kind, params, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		if err != nil || !strings.EqualFold(params["charset"], "utf-8") {
			t.Errorf("part of type %q: charset %q, %v", kind, params["charset"], err)
		}
		body, err := io.ReadAll(decoder(part))
		if err != nil {
			t.Fatalf("read part: %v", err)
		}
		found[kind] = strings.ReplaceAll(string(body), "\r\n", "\n")
	}
}

func decoder(part *multipart.Part) io.Reader {
	if strings.EqualFold(part.Header.Get("Content-Transfer-Encoding"), "quoted-printable") {
		return quotedprintable.NewReader(part)
	}
	return part
}

func testSubjects(t *testing.T, backend Backend) {
	subjects := []string{
		"Your MP3 is ready: Grüße aus Zürich – 日本語 🎬.mp4",
		"Your MP3 is ready: " + strings.Repeat("sehr länglich ", 20) + ".mp4",
		"Your MP3 is ready: " + strings.Repeat("x", 255),
		`Your MP3 is ready: <script>alert("1")</script>, a@b.c; "q" \.mp4`,
		"Your MP3 is ready: =?utf-8?q?fake?=.mp4",
	}
	for i, subject := range subjects {
		message := Message()
		message.ID = string(rune('a'+i)) + "." + message.ID
		message.Subject = subject
		send(t, backend, message)
		_, parsed := last(t, backend, i+1)
		got, err := new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject"))
		if err != nil || got != subject {
			t.Errorf("subject is read as %q (%v), want %q", got, err, subject)
		}
	}
}

// testLines sends what could end a mail early, or be too long for a server.
func testLines(t *testing.T, backend Backend) {
	dots := "one\n.\n..two\nQUIT\n"
	for i, text := range []string{dots, dots + "üñí\n" + strings.Repeat("long ", 1000) + "\nend"} {
		message := Message()
		message.ID = string(rune('a'+i)) + "." + message.ID
		message.Text = text
		message.HTML = "<p>" + strings.Repeat("x", 5000) + "</p>\n.\n"
		send(t, backend, message)
		checkLines(t, backend, message, i+1)
	}
}

func checkLines(t *testing.T, backend Backend, message mail.Message, count int) {
	t.Helper()
	raw, parsed := last(t, backend, count)
	want := map[string]string{"text/plain": message.Text, "text/html": message.HTML}
	if diff := cmp.Diff(want, parts(t, parsed)); diff != "" {
		t.Errorf("parts by type (-want +got):\n%s", diff)
	}
	for line := range bytes.Lines(raw) {
		if len(line) > 1000 || !bytes.HasSuffix(line, []byte("\r\n")) {
			t.Errorf("a line is too long or not ended by CRLF: %.80q", line)
		}
	}
	if i := bytes.IndexFunc(raw, func(r rune) bool { return r > '~' }); i >= 0 {
		t.Errorf("the mail is not ASCII at byte %d", i)
	}
}

// testInjection tries to get fields of its own into the header.
func testInjection(t *testing.T, backend Backend) {
	for _, end := range []string{"\r\n", "\n", "\r", "\u2028", "\x00"} {
		attack := end + "Bcc: eve@example.com" + end + end + "body"
		for name, edit := range map[string]func(*mail.Message){
			"address": func(m *mail.Message) { m.To += attack },
			"id":      func(m *mail.Message) { m.ID += attack },
		} {
			message := Message()
			edit(&message)
			if err := backend.Sender.Send(t.Context(), message); !errors.Is(err, mail.ErrRefused) {
				t.Errorf("%q in the %s: got %v, want ErrRefused", end, name, err)
			}
		}
	}
	if count := len(backend.Delivered(t)); count != 0 {
		t.Fatalf("%d mails were delivered, want none", count)
	}
	message := Message()
	message.Subject += "\r\nBcc: eve@example.com\r\n\r\nbody\x00"
	send(t, backend, message)
	_, parsed := last(t, backend, 1)
	if got, want := parsed.Header.Get("Subject"), Message().Subject+" Bcc: eve@example.com body"; got != want {
		t.Errorf("subject is %q, want %q", got, want)
	}
	if parsed.Header.Get("Bcc") != "" {
		t.Error("the subject brought a field of its own")
	}
}

func testCanceled(t *testing.T, backend Backend) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := backend.Sender.Send(ctx, Message())
	if err == nil || errors.Is(err, mail.ErrRefused) || errors.Is(err, mail.ErrUnknown) {
		t.Errorf("send with a dead context: got %v, want an error to try again after", err)
	}
	if count := len(backend.Delivered(t)); count != 0 {
		t.Errorf("%d mails were delivered, want none", count)
	}
}

// testMany sends at once from several goroutines.
func testMany(t *testing.T, backend Backend) {
	const count = 8
	errs := make(chan error, count)
	for i := range count {
		message := Message()
		message.ID = string(rune('a'+i)) + "." + message.ID
		go func() { errs <- backend.Sender.Send(t.Context(), message) }()
	}
	for range count {
		if err := <-errs; err != nil {
			t.Errorf("send: %v", err)
		}
	}
	ids := map[string]bool{}
	for _, raw := range backend.Delivered(t) {
		parsed, err := netmail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("the mail cannot be read: %v", err)
		}
		ids[parsed.Header.Get("Message-ID")] = true
	}
	if len(ids) != count {
		t.Errorf("%d different mails were delivered, want %d", len(ids), count)
	}
}
