package smtp

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"
)

const (
	user     = "unreel"
	password = "p@ss:w/rd%"
)

// server is a mail server that does as a test tells it.
type server struct {
	address string
	trust   *tls.Config // what its clients need

	login  bool                           // offer AUTH
	answer map[string]error               // by step: MAIL, RCPT, DATA
	onDot  func(conn *gosmtp.Conn) error  // after a whole mail has come
	onData func(conn *gosmtp.Conn)        // before it has
	onMail func(opts *gosmtp.MailOptions) // for every sender

	mu    sync.Mutex
	mails [][]byte
	users []string
}

// start listens until the test ends. The mode is a URL's scheme.
func (s *server) start(t *testing.T, mode string) {
	t.Helper()
	offered, trusted := certificate(t)
	s.trust = trusted
	running := gosmtp.NewServer(gosmtp.BackendFunc(func(conn *gosmtp.Conn) (gosmtp.Session, error) {
		if s.login {
			return &loginClient{client{server: s, conn: conn}}, nil
		}
		return &client{server: s, conn: conn}, nil
	}))
	running.Domain = "localhost"
	running.EnableSMTPUTF8 = true
	running.ErrorLog = log.New(io.Discard, "", 0)
	running.AllowInsecureAuth = mode == "smtp+insecure"
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = listener.Addr().String()
	switch mode {
	case "smtp":
		running.TLSConfig = offered
	case "smtps":
		listener = tls.NewListener(listener, offered)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = running.Serve(listener) // ends with the listener
	}()
	t.Cleanup(func() {
		running.Close()
		listener.Close() // the server has not heard of it if the test was quick
		<-done
	})
}

func (s *server) delivered() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// certificate makes one for 127.0.0.1 that signs itself.
func certificate(t *testing.T) (offered, trusted *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "mail server of a test"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	authorities := x509.NewCertPool()
	authorities.AddCert(parsed)
	pair := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return &tls.Config{Certificates: []tls.Certificate{pair}}, &tls.Config{RootCAs: authorities}
}

// client is one connection's.
type client struct {
	server *server
	conn   *gosmtp.Conn
	name   string // who has logged in
}

func (s *client) Reset()        {}
func (s *client) Logout() error { return nil }

func (s *client) Mail(_ string, opts *gosmtp.MailOptions) error {
	if s.server.onMail != nil {
		s.server.onMail(opts)
	}
	return s.server.answer["MAIL"]
}

func (s *client) Rcpt(string, *gosmtp.RcptOptions) error { return s.server.answer["RCPT"] }

func (s *client) Data(r io.Reader) error {
	if s.server.onData != nil {
		s.server.onData(s.conn)
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if s.server.onDot != nil {
		if err := s.server.onDot(s.conn); err != nil {
			return err
		}
	}
	if err := s.server.answer["DATA"]; err != nil {
		return err
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.mails = append(s.server.mails, bytes.Clone(raw))
	s.server.users = append(s.server.users, s.name)
	return nil
}

// loginClient also offers AUTH.
type loginClient struct{ client }

func (s *loginClient) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *loginClient) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, name, secret string) error {
		if name != user || secret != password {
			return gosmtp.ErrAuthFailed
		}
		s.name = name
		return nil
	}), nil
}
