package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/unreel/unreel/api/client"
)

// defaultServer is where a server on this machine listens unless told otherwise.
const defaultServer = "http://localhost:8080"

// Whoever does not answer within these times is taken for gone. Bodies may take as long as they need.
const (
	dialTime   = 15 * time.Second
	headerTime = 2 * time.Minute
	// continueTime is how long a server may think about a request's head before it gets the video.
	continueTime = 3 * time.Second
)

// serverFlags says which server is meant.
type serverFlags struct {
	Server string `env:"UNREEL_SERVER" placeholder:"URL" help:"Address of the server (default: where you are logged in, or http://localhost:8080)."`
}

// remote is a server as one account sees it.
type remote struct {
	*client.Client
	http    *http.Client
	session session
	fromEnv bool // the token is from UNREEL_TOKEN
	met     bool // it has answered, so that it is worth waiting for when it is away
}

// anonymous is the server without a token, for who has none yet. It is the one of the last log-in unless
// another is named, so that "log in again" leads to the same place.
func (f serverFlags) anonymous() (*remote, error) {
	stored, err := loadSession()
	if err != nil {
		stored = session{} // a new log-in replaces what cannot be read
	}
	server, err := normalServer(cmp.Or(f.Server, stored.Server, defaultServer))
	if err != nil {
		return nil, err
	}
	return newRemote(session{Server: server})
}

// connect is the server with a token: the one in UNREEL_TOKEN, or the stored one if it is this server's.
func (f serverFlags) connect() (*remote, error) {
	if token := os.Getenv("UNREEL_TOKEN"); token != "" {
		server, err := normalServer(cmp.Or(f.Server, defaultServer))
		if err != nil {
			return nil, err
		}
		r, err := newRemote(session{Server: server, Token: token})
		if err == nil {
			r.fromEnv = true
		}
		return r, err
	}
	stored, err := loadSession()
	if err != nil {
		return nil, err
	}
	server, err := normalServer(cmp.Or(f.Server, stored.Server, defaultServer))
	if err != nil {
		return nil, err
	}
	if stored.Token == "" || stored.Server != server {
		return nil, fmt.Errorf("you are not logged in to %s: unreel login --server %[1]s EMAIL", server)
	}
	if stored.RefreshToken == "" && time.Now().After(stored.ExpiresAt) {
		return nil, fmt.Errorf("log in again: unreel login %s (the last log-in has expired)", stored.Email)
	}
	return newRemote(stored)
}

// newRemote speaks to the session's server, with its token if it has one.
func newRemote(s session) (*remote, error) {
	r := &remote{session: s, http: newHTTPClient()}
	r.http.Transport = &keeper{next: r.http.Transport, session: s}
	introduce := func(_ context.Context, request *http.Request) error {
		request.Header.Set("User-Agent", "unreel/"+version)
		return nil
	}
	var err error
	r.Client, err = client.NewClient(s.Server, client.WithHTTPClient(r.http), client.WithRequestEditorFn(introduce))
	return r, err
}

// newHTTPClient follows no redirects: they could carry a token or a password to another server.
func newHTTPClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: dialTime}).DialContext,
			ForceAttemptHTTP2:     true,
			TLSHandshakeTimeout:   dialTime,
			ResponseHeaderTimeout: headerTime,
			ExpectContinueTimeout: continueTime,
		},
		CheckRedirect: func(request *http.Request, _ []*http.Request) error {
			return &redirectError{request.URL.Scheme + "://" + request.URL.Host}
		},
	}
}

// Close lets go of connections.
func (r *remote) Close() {
	r.http.CloseIdleConnections()
}

// normalServer is a server's address in the one form that is stored and compared.
func normalServer(text string) (string, error) {
	parsed, err := url.Parse(text)
	if err != nil || (parsed.Scheme != "http" && parsed.Scheme != "https") || parsed.Host == "" ||
		parsed.User != nil || parsed.RawQuery != "" || parsed.Fragment != "" {
		return "", UsageError{fmt.Errorf("--server: %q must be a URL such as %s", printable(text), defaultServer)}
	}
	parsed.Host = strings.ToLower(parsed.Host)
	return strings.TrimRight(parsed.String(), "/"), nil
}

// redirectError is a server that says to ask elsewhere.
type redirectError struct{ to string }

// Error says what to do about it.
func (e *redirectError) Error() string {
	return fmt.Sprintf("it sends its visitors to %s: if you trust that, say --server %[1]s", printable(e.to))
}

// explain says an error of this server in words that help. It leaves an interruption as it is.
func (r *remote) explain(err error) error {
	refused, isRefused := errors.AsType[*client.Error](err)
	redirect, isRedirect := errors.AsType[*redirectError](err)
	lost, isLost := errors.AsType[*url.Error](err)
	if isRefused {
		refused.Problem.Detail = printable(strings.Join(strings.Fields(refused.Problem.Detail), " "))
		refused.Problem.Title = printable(refused.Problem.Title)
	}
	switch {
	case err == nil || errors.Is(err, context.Canceled):
		return err
	case isRefused && refused.Problem.Status == http.StatusUnauthorized && r.session.Token != "":
		return r.expired(refused)
	case isRefused && refused.Problem.Status >= 500 && refused.RequestID != "":
		return fmt.Errorf("%w (request %s)", err, printable(refused.RequestID))
	case isRedirect:
		return fmt.Errorf("%s is not the server itself: %w", r.session.Server, redirect)
	case isLost:
		return &unreachableError{r.session.Server, lost.Err}
	}
	return err
}

// expired is what to do when the token is no longer good.
func (r *remote) expired(refused *client.Error) error {
	hint := "log in again: unreel login " + cmp.Or(r.session.Email, "EMAIL")
	if r.fromEnv {
		hint = "UNREEL_TOKEN is not accepted; unset it and " + hint
	}
	return &expiredError{hint, refused}
}

// expiredError is a token that the server does not take.
type expiredError struct {
	hint  string
	cause error
}

// Error says what to do.
func (e *expiredError) Error() string { return fmt.Sprintf("%s (%v)", e.hint, e.cause) }

// Unwrap returns what the server said.
func (e *expiredError) Unwrap() error { return e.cause }

// unreachableError is a server that did not answer.
type unreachableError struct {
	server string
	cause  error
}

// Error names the server and how to name another.
func (e *unreachableError) Error() string {
	return fmt.Sprintf("no answer from %s: %v (--server or UNREEL_SERVER names another)", e.server, e.cause)
}

// Unwrap returns the cause.
func (e *unreachableError) Unwrap() error { return e.cause }
