package smtp

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	gosmtp "github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/unreel/unreel/internal/mail"
	"github.com/unreel/unreel/internal/mail/mailtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sender returns one that logs in with the given password, or not at all without one.
func (s *server) sender(t *testing.T, scheme, secret string) *Sender {
	t.Helper()
	address := url.URL{Scheme: scheme, Host: s.address}
	if secret != "" {
		address.User = url.UserPassword(user, secret)
	}
	sender, err := New(Config{URL: address.String(), From: mailtest.From, TLS: s.trust})
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

func TestSender(t *testing.T) {
	for scheme := range schemes {
		for _, secret := range []string{"", password} {
			t.Run(scheme+" "+secret, func(t *testing.T) {
				mailtest.Run(t, func(t *testing.T) mailtest.Backend {
					server := &server{login: secret != ""}
					server.start(t, scheme)
					return mailtest.Backend{
						Sender:    server.sender(t, scheme, secret),
						Delivered: func(*testing.T) [][]byte { return server.delivered() },
					}
				})
			})
		}
	}
}

func TestLogsIn(t *testing.T) {
	server := &server{login: true}
	server.start(t, "smtp")
	if err := server.sender(t, "smtp", password).Send(t.Context(), mailtest.Message()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{user}, server.users); diff != "" {
		t.Errorf("who sent (-want +got):\n%s", diff)
	}
}

// kind is what an error tells the notifier to do.
func kind(err error) string {
	switch refused, unknown := errors.Is(err, mail.ErrRefused), errors.Is(err, mail.ErrUnknown); {
	case refused && unknown:
		return "both refused and unknown"
	case refused:
		return "refused"
	case unknown:
		return "unknown"
	case err != nil:
		return "again"
	default:
		return "sent"
	}
}

func answer(code int) error {
	return &gosmtp.SMTPError{Code: code, EnhancedCode: gosmtp.NoEnhancedCode, Message: "so it is"}
}

func TestAnswers(t *testing.T) {
	for _, test := range []struct {
		step string
		code int
		want string
	}{
		{"MAIL", 550, "refused"},
		{"MAIL", 451, "again"},
		{"MAIL", 530, "again"}, // log in first: not about this mail
		{"RCPT", 550, "refused"},
		{"RCPT", 553, "refused"},
		{"RCPT", 450, "again"},
		{"RCPT", 452, "again"},
		{"DATA", 554, "refused"},
		{"DATA", 552, "refused"},
		{"DATA", 451, "again"},
		{"DATA", 421, "again"},
	} {
		server := &server{answer: map[string]error{test.step: answer(test.code)}}
		server.start(t, "smtp+insecure")
		err := server.sender(t, "smtp+insecure", "").Send(t.Context(), mailtest.Message())
		if got := kind(err); got != test.want {
			t.Errorf("%d to %s: %s (%v), want %s", test.code, test.step, got, err, test.want)
		}
		if err != nil && !strings.Contains(err.Error(), "so it is") {
			t.Errorf("%d to %s: %v does not repeat what the server said", test.code, test.step, err)
		}
	}
}

func TestBreaks(t *testing.T) {
	cut := func(conn *gosmtp.Conn) { conn.Conn().Close() }
	large := mailtest.Message()
	large.Text = strings.Repeat("more than any buffer holds\n", 1<<20)

	t.Run("before the final dot", func(t *testing.T) {
		server := &server{onData: cut}
		server.start(t, "smtp+insecure")
		err := server.sender(t, "smtp+insecure", "").Send(t.Context(), large)
		if got := kind(err); got != "again" {
			t.Errorf("%s (%v), want again", got, err)
		}
	})
	t.Run("after the final dot", func(t *testing.T) {
		server := &server{onDot: func(conn *gosmtp.Conn) error { cut(conn); return nil }}
		server.start(t, "smtp")
		err := server.sender(t, "smtp", "").Send(t.Context(), mailtest.Message())
		if got := kind(err); got != "unknown" {
			t.Errorf("%s (%v), want unknown", got, err)
		}
	})
	t.Run("canceled after the final dot", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan struct{})
		server := &server{onDot: func(*gosmtp.Conn) error { cancel(); <-gone; return nil }}
		server.start(t, "smtp")
		err := server.sender(t, "smtp", "").Send(ctx, mailtest.Message())
		close(gone)
		if got := kind(err); got != "unknown" {
			t.Errorf("%s (%v), want unknown", got, err)
		}
	})
}

// TestSilence connects to a server that never says a word.
func TestSilence(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for scheme := range schemes {
		sender, err := New(Config{
			URL: scheme + "://" + listener.Addr().String(), From: mailtest.From, Timeout: 20 * time.Millisecond,
		})
		if err != nil {
			t.Fatal(err)
		}
		err = sender.Send(t.Context(), mailtest.Message())
		if got := kind(err); got != "again" || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %s (%v), want again after a deadline", scheme, got, err)
		}
	}
}

func TestNobodyListens(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &server{address: listener.Addr().String()}
	listener.Close()
	sender := server.sender(t, "smtp", "")
	if got := kind(sender.Send(t.Context(), mailtest.Message())); got != "again" {
		t.Errorf("%s, want again", got)
	}
	if err := sender.Check(t.Context()); err == nil || !strings.Contains(err.Error(), server.address) {
		t.Errorf("check: got %v, want an error that names the server", err)
	}
}

// TestNotTrusted must never hand over a mail, nor the password.
func TestNotTrusted(t *testing.T) {
	for name, test := range map[string]struct {
		offers, wants string
		forget        bool   // the server's certificate is not known
		secret, says  string // what the error is to say
	}{
		"no STARTTLS":         {"smtp+insecure", "smtp", false, "", "STARTTLS"},
		"STARTTLS, stranger":  {"smtp", "smtp", true, "", "certificate"},
		"TLS, stranger":       {"smtps", "smtps", true, "", "certificate"},
		"no TLS":              {"smtp+insecure", "smtps", false, "", "tls"},
		"wrong password":      {"smtp", "smtp", false, "wrong", "535"},
		"log in not offered":  {"smtp", "smtp", false, password, "log in"},
		"insecure not wanted": {"smtp+insecure", "smtp", false, password, "STARTTLS"},
	} {
		t.Run(name, func(t *testing.T) {
			server := &server{login: test.secret == "wrong"}
			server.start(t, test.offers)
			if test.forget {
				server.trust = nil
			}
			sender := server.sender(t, test.wants, test.secret)
			for step, err := range map[string]error{
				"send":  sender.Send(t.Context(), mailtest.Message()),
				"check": sender.Check(t.Context()),
			} {
				if got := kind(err); got != "again" || !strings.Contains(err.Error(), test.says) {
					t.Errorf("%s: %s (%v), want again and %q", step, got, err, test.says)
				}
			}
			if count := len(server.delivered()); count != 0 {
				t.Errorf("%d mails were handed over", count)
			}
		})
	}
}

// TestSMTPUTF8 is asked for only where an address needs it.
func TestSMTPUTF8(t *testing.T) {
	for to, want := range map[string]bool{"ada@example.com": false, "jürgen@example.com": true} {
		var got bool
		server := &server{onMail: func(opts *gosmtp.MailOptions) { got = opts.UTF8 }}
		server.start(t, "smtp")
		message := mailtest.Message()
		message.To = to
		if err := server.sender(t, "smtp", "").Send(t.Context(), message); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s: SMTPUTF8 is %t, want %t", to, got, want)
		}
	}
}

func TestURL(t *testing.T) {
	for text, want := range map[string]Sender{
		"smtp://mail.example.com":           {security: startTLS, address: "mail.example.com:587"},
		"smtps://mail.example.com":          {security: implicitTLS, address: "mail.example.com:465"},
		"smtp+insecure://localhost:1025/":   {security: plain, address: "localhost:1025"},
		"smtp://a%40b.c:p%3A%2F@[::1]:2525": {security: startTLS, address: "[::1]:2525", user: "a@b.c", password: "p:/"},
	} {
		got, err := New(Config{URL: text, From: mailtest.From})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got.security != want.security || got.address != want.address || got.user != want.user ||
			got.password != want.password || got.timeout != DefaultTimeout {
			t.Errorf("%s became %+v", text, got)
		}
	}
}

func TestBadURL(t *testing.T) {
	for _, text := range []string{
		"", "mail.example.com:25", "http://u:secret@mail.example.com", "smtp://", "smtp://u:secret@:25",
		"smtp://u:secret@host/path", "smtp://u:secret@host?x=y", "smtp://u:se/cret@host", "smtp://u:%zzsecret@host",
		"smtp://u:secret@host:port",
	} {
		_, err := New(Config{URL: text, From: mailtest.From})
		if err == nil {
			t.Errorf("%s was taken", text)
			continue
		}
		if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "cret@") {
			t.Errorf("%s: the error tells the password: %v", text, err)
		}
	}
	_, err := New(Config{URL: "smtp://localhost", From: "nobody"})
	if err == nil || !strings.Contains(err.Error(), "UNREEL_MAIL_FROM") {
		t.Errorf("got %v, want an error that names UNREEL_MAIL_FROM", err)
	}
}
