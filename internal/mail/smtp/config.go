package smtp

import (
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/unreel/unreel/internal/mail/eml"
)

// DefaultTimeout is how long one mail may take, from the connection to the server's last answer. It stays
// below the minute's lease that the notifier holds on the mail.
const DefaultTimeout = 45 * time.Second

// Config says which server takes the mails.
type Config struct {
	// URL is smtp://user:password@host:587 (STARTTLS is required), smtps:// (TLS from the first byte, port
	// 465) or smtp+insecure:// (neither, port 25). User and password may be left out.
	URL     string
	From    string        // like "Unreel <unreel@example.com>"
	Timeout time.Duration // for one mail; 0: DefaultTimeout
	TLS     *tls.Config   // nil: the system's authorities
}

// security is what a URL's scheme asks for.
type security int

const (
	startTLS security = iota
	implicitTLS
	plain
)

var schemes = map[string]struct {
	security security
	port     string
}{
	"smtp":          {startTLS, "587"},
	"smtps":         {implicitTLS, "465"},
	"smtp+insecure": {plain, "25"},
}

// New checks the settings; it does not connect.
func New(config Config) (*Sender, error) {
	encoder, err := eml.NewEncoder(config.From)
	if err != nil {
		return nil, err
	}
	sender := &Sender{encoder: encoder, timeout: config.Timeout}
	if sender.timeout == 0 {
		sender.timeout = DefaultTimeout
	}
	if err := sender.setServer(config.URL); err != nil {
		return nil, err
	}
	if config.TLS != nil {
		sender.tls = config.TLS.Clone()
	} else {
		sender.tls = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if sender.tls.ServerName == "" {
		sender.tls.ServerName = sender.host
	}
	sender.hello, err = os.Hostname()
	if err != nil || sender.hello == "" {
		sender.hello = "localhost"
	}
	return sender, nil
}

// setServer reads the URL. No error repeats it, for it may hold a password.
func (s *Sender) setServer(text string) error {
	address, err := url.Parse(text)
	if err != nil {
		return errors.New("is no URL; write special characters in user and password as %XX")
	}
	scheme, ok := schemes[address.Scheme]
	switch {
	case !ok:
		return errors.New("begin with smtp://, smtps:// or smtp+insecure://")
	case address.Hostname() == "":
		return errors.New("name a host, like smtp://mail.example.com:587")
	case address.Path != "" && address.Path != "/", address.RawQuery != "", address.Fragment != "":
		return errors.New("nothing may follow the host and port")
	}
	s.security = scheme.security
	s.host = address.Hostname()
	s.address = net.JoinHostPort(s.host, scheme.port)
	if port := address.Port(); port != "" {
		s.address = net.JoinHostPort(s.host, port)
	}
	s.user = address.User.Username()
	s.password, _ = address.User.Password()
	return nil
}
