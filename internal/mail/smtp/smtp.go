// Package smtp delivers mail to a server (RFC 5321). Its care is for what an error means: whether the mail
// may be tried again, never again, or has perhaps arrived.
package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"slices"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"github.com/unreel/unreel/internal/mail"
	"github.com/unreel/unreel/internal/mail/eml"
)

// Sender delivers each mail over a connection of its own. It may be used concurrently.
type Sender struct {
	encoder  *eml.Encoder
	security security
	host     string
	address  string // host and port
	user     string
	password string
	hello    string // our name for EHLO
	timeout  time.Duration
	tls      *tls.Config
}

var _ mail.Sender = (*Sender)(nil)

// Check connects, logs in and leaves.
func (s *Sender) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	session, err := s.connect(ctx)
	if err != nil {
		return fmt.Errorf("mail server %s: %w", s.address, err)
	}
	defer session.close()
	if err := session.Quit(); err != nil {
		return fmt.Errorf("mail server %s: %w", s.address, err)
	}
	return nil
}

// Send delivers one mail within the timeout.
func (s *Sender) Send(ctx context.Context, message mail.Message) error {
	raw, err := s.encoder.Encode(message, time.Now())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	session, err := s.connect(ctx)
	if err != nil {
		return fmt.Errorf("mail server %s: %w", s.address, err)
	}
	defer session.close()
	if err := s.deliver(session, message.To, raw); err != nil {
		return fmt.Errorf("mail server %s: %w", s.address, err)
	}
	// The server has the mail: what happens to the farewell changes nothing.
	_ = session.Quit()
	return nil
}

// deliver hands the mail over, up to the server's answer to the final dot.
func (s *Sender) deliver(session *session, to string, raw []byte) error {
	// Servers pass the demand for SMTPUTF8 on, and then mail to plain addresses fails at the next one
	// that lacks it (RFC 6531, 3.2).
	session.SkipSMTPUTF8(isASCII(s.encoder.From() + to))
	if err := session.Mail("<" + s.encoder.From() + ">"); err != nil {
		return refusal("sender", err)
	}
	if err := session.Rcpt("<" + to + ">"); err != nil {
		return refusal("recipient", err)
	}
	body, err := session.Data()
	if err != nil {
		return refusal("data", err)
	}
	if _, err := body.Write(raw); err != nil {
		return fmt.Errorf("write mail: %w", err) // closing body would end the mail here
	}
	err = body.Close()
	if answer := (*textproto.Error)(nil); err != nil && !errors.As(err, &answer) {
		return fmt.Errorf("%w: no answer to the final dot: %w", mail.ErrUnknown, err)
	}
	return refusal("mail", err)
}

// refusal marks an answer that speaks of this mail and is final: a 5xx that is not about our
// login (RFC 4954, 4 and 6).
func refusal(step string, err error) error {
	if err == nil {
		return nil
	}
	var answer *textproto.Error
	aboutLogin := []int{530, 534, 535, 538}
	if errors.As(err, &answer) && answer.Code >= 500 && !slices.Contains(aboutLogin, answer.Code) {
		return fmt.Errorf("%w: %s: %w", mail.ErrRefused, step, err)
	}
	return fmt.Errorf("%s: %w", step, err)
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}

// session is a connection to the server, greeted and logged in.
type session struct {
	*smtp.Client
	conn io.Closer
	stop func() bool // no longer ends the connection with the context
}

// close ends the connection without another word.
func (s *session) close() {
	s.stop()
	_ = s.conn.Close() // closed already after a farewell
}
