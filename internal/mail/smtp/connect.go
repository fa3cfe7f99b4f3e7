package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// connect returns a session that the context's end breaks off.
func (s *Sender) connect(ctx context.Context) (*session, error) {
	conn, err := s.dial(ctx)
	if err != nil {
		return nil, err
	}
	past := time.Unix(1, 0)
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(past) })
	client, err := s.greet(conn)
	if err != nil {
		stop()
		if cause := context.Cause(ctx); cause != nil {
			err = cause // says more than a deadline in the past
		}
		_ = conn.Close() // a failed farewell may have closed it
		return nil, err
	}
	return &session{Client: client, conn: conn, stop: stop}, nil
}

func (s *Sender) dial(ctx context.Context) (net.Conn, error) {
	var dialer net.Dialer
	if s.security == implicitTLS {
		return (&tls.Dialer{NetDialer: &dialer, Config: s.tls}).DialContext(ctx, "tcp", s.address)
	}
	return dialer.DialContext(ctx, "tcp", s.address)
}

// greet does everything before the first mail.
func (s *Sender) greet(conn net.Conn) (*smtp.Client, error) {
	client, err := smtp.NewClient(conn, s.host)
	if err != nil {
		return nil, fmt.Errorf("greeting: %w", err)
	}
	if err := client.Hello(s.hello); err != nil {
		return nil, fmt.Errorf("hello: %w", err)
	}
	if s.security == startTLS {
		if offered, _ := client.Extension("STARTTLS"); !offered {
			return nil, errors.New("offers no STARTTLS; UNREEL_MAIL may begin with smtps:// or smtp+insecure://")
		}
		if err := client.StartTLS(s.tls); err != nil {
			return nil, fmt.Errorf("start TLS: %w", err)
		}
	}
	if s.user == "" {
		return client, nil
	}
	return client, s.login(client)
}

// login takes the strongest way that the server offers and that does not need more than a password.
func (s *Sender) login(client *smtp.Client) error {
	_, offered := client.Extension("AUTH")
	open := s.security == plain // the operator has said that the way is safe
	ways := []struct {
		name string
		auth smtp.Auth
	}{
		{"SCRAM-SHA-256", smtp.ScramSHA256Auth(s.user, s.password)},
		{"PLAIN", smtp.PlainAuth("", s.user, s.password, s.host, open)},
		{"LOGIN", smtp.LoginAuth(s.user, s.password, s.host, open)},
	}
	for _, way := range ways {
		if slices.Contains(strings.Fields(offered), way.name) {
			if err := client.Auth(way.auth); err != nil {
				return fmt.Errorf("log in by %s: %w", way.name, err)
			}
			return nil
		}
	}
	return fmt.Errorf("offers no way to log in that is known here, only %q", offered)
}
