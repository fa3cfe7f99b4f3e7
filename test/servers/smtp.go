package servers

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
)

// SMTPServer takes mails and keeps them, or refuses them as a test tells it to.
type SMTPServer struct {
	// URL is smtp+insecure://host:port: the server has neither TLS nor accounts.
	URL string

	mu     sync.Mutex
	mails  []Mail
	answer func(stage Stage, mail Mail) error
}

// Mail is what a client has sent in one transaction, so far as it has come.
type Mail struct {
	From string
	To   []string
	Data []byte // the message as it came, headers and all
}

// Stage is the point of a transaction at which the server answers.
type Stage string

// The stages at which a mail can be refused. At Data the message has come whole: what is then refused, or left
// without an answer, the client cannot tell from what was taken and got lost.
const (
	From Stage = "MAIL FROM"
	To   Stage = "RCPT TO"
	Data Stage = "DATA"
)

// SMTP starts a mail server for one test.
func SMTP(t testing.TB) *SMTPServer {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sink := &SMTPServer{URL: "smtp+insecure://" + listener.Addr().String()}
	server := smtp.NewServer(sink)
	server.Domain = "localhost"
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("close the mail server: %v", err)
		}
		if err := <-ended; err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			t.Errorf("mail server: %v", err)
		}
	})
	return sink
}

// Mails returns what has been taken, in the order of coming.
func (s *SMTPServer) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// Answer has a function decide about each mail at each stage, from now on: nil takes it, Refuse answers with
// a code of SMTP. Nil instead of a function takes everything again.
func (s *SMTPServer) Answer(decide func(stage Stage, mail Mail) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = decide
}

// Refuse makes the answer that a client gets: 4xx says to try again, 5xx not to.
func Refuse(code int, message string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 0, 0}, Message: message}
}

// NewSession serves one connection; go-smtp calls it.
func (s *SMTPServer) NewSession(*smtp.Conn) (smtp.Session, error) {
	return &smtpSession{server: s}, nil
}

func (s *SMTPServer) decide(stage Stage, mail Mail) error {
	s.mu.Lock()
	decide := s.answer
	s.mu.Unlock()
	if decide == nil {
		return nil
	}
	return decide(stage, mail)
}

// smtpSession is one connection, which may carry several mails.
type smtpSession struct {
	server *SMTPServer
	mail   Mail
}

func (s *smtpSession) Mail(from string, _ *smtp.MailOptions) error {
	s.mail.From = from
	return s.server.decide(From, s.mail)
}

func (s *smtpSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.To = append(s.mail.To, to)
	return s.server.decide(To, s.mail)
}

func (s *smtpSession) Data(reader io.Reader) error {
	data, err := io.ReadAll(reader)
	if err != nil {
		return fmt.Errorf("read mail: %w", err)
	}
	s.mail.Data = data
	if err := s.server.decide(Data, s.mail); err != nil {
		return err
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.mails = append(s.server.mails, s.mail)
	return nil
}

func (s *smtpSession) Reset()        { s.mail = Mail{} }
func (s *smtpSession) Logout() error { return nil }
