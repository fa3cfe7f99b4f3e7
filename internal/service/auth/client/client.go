// Package client is how others talk to the auth service: it signs up and logs in by asking it, and checks
// tokens without asking.
package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/unreel/unreel/internal/httpx"
)

// AddressHeader carries the address of whoever asked the gateway, for limits and for the audit log. It
// means something on the auth service's private address only.
const AddressHeader = "Unreel-Client"

const (
	// patience is how long the auth service may take to answer.
	patience = 5 * time.Second
	// retryPause is how long a restart of it may keep connections refused without being noticed.
	retryPause = 250 * time.Millisecond
	// maxAnswer is more than it ever answers, in bytes.
	maxAnswer = 1 << 20
)

// ErrUnavailable says that the auth service cannot be reached or cannot do its work now.
var ErrUnavailable = errors.New("auth service is unavailable")

// Client asks the auth service. What it refuses is returned as an httpx.Problem, to be passed on to whoever
// asked; everything else that goes wrong wraps ErrUnavailable or is the context's error. All methods may
// be called concurrently. The parameter from is the address of whoever asks, without a port.
type Client struct {
	base   string
	http   *http.Client
	keys   *keyCache
	logger *slog.Logger
}

// New makes a Client for the service at a base URL, reached by a transport such as InProcess, or over the
// network if it is nil.
func New(baseURL string, transport http.RoundTripper, logger *slog.Logger) (*Client, error) {
	base, err := checkBase(baseURL)
	if err != nil {
		return nil, err
	}
	keys, err := lru.New[[sha256.Size]byte, knownKey](keysKept)
	if err != nil {
		return nil, fmt.Errorf("make room for API keys: %w", err)
	}
	return &Client{base: base, http: newHTTP(transport), keys: keys, logger: logger}, nil
}

// checkBase returns a base URL without a slash at its end.
func checkBase(text string) (string, error) {
	parsed, err := url.Parse(text)
	if err != nil || (parsed.Scheme != "http" && parsed.Scheme != "https") || parsed.Host == "" || parsed.User != nil {
		return "", errors.New("the auth service's URL must be like http://auth:5000")
	}
	return strings.TrimSuffix(parsed.Scheme+"://"+parsed.Host+parsed.EscapedPath(), "/"), nil
}

func newHTTP(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport: transport,
		// The auth service redirects nobody, and what would answer in its place must not get passwords.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// SignUp makes an account.
func (c *Client) SignUp(ctx context.Context, from string, credentials Credentials) (User, error) {
	var user User
	err := c.ask(ctx, question{method: http.MethodPost, path: "/users", from: from, body: credentials}, &user)
	return user, err
}

// LogIn gives a token with what there is to know about it.
func (c *Client) LogIn(ctx context.Context, from string, credentials Credentials) (Session, error) {
	var session Session
	err := c.ask(ctx, question{method: http.MethodPost, path: "/sessions", from: from, body: credentials}, &session)
	return session, err
}

// Refresh goes on with a session. It spends the token even if no answer comes: to send it again would end the session.
func (c *Client) Refresh(ctx context.Context, from string, refresh Refresh) (Session, error) {
	var session Session
	err := c.ask(ctx, question{method: http.MethodPost, path: "/sessions/refresh", from: from, body: refresh}, &session)
	return session, err
}

// LogOut ends the session of a refresh token or, if that is empty, of the access token in an Authorization header.
func (c *Client) LogOut(ctx context.Context, from, authorization string, refresh Refresh) error {
	asked := question{method: http.MethodDelete, path: "/sessions", from: from, authorization: authorization}
	if refresh.RefreshToken != "" {
		asked.body = refresh
	}
	return c.ask(ctx, asked, nil)
}

// Token gives the token alone, by the original route. The Detail of its problems is the text to answer with.
func (c *Client) Token(ctx context.Context, from string, credentials Credentials) (string, error) {
	basic := base64.StdEncoding.EncodeToString([]byte(credentials.Email + ":" + credentials.Password))
	body, err := c.do(ctx, question{method: http.MethodPost, path: "/login", from: from, authorization: "Basic " + basic})
	return string(body), err
}

// question is a request to the auth service.
type question struct {
	method, path  string
	from          string // the address of whoever asks
	authorization string // a header; empty for none
	body          any    // sent as JSON; nil for none
}

// ask sends a question and reads the JSON answer into a value, unless that is nil.
func (c *Client) ask(ctx context.Context, asked question, into any) error {
	answer, err := c.do(ctx, asked)
	if err != nil || into == nil {
		return err
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("%w: it answers in a form that is not its own: %w", ErrUnavailable, err)
	}
	return nil
}

// request makes the request of a question; the body is its body as JSON.
func (c *Client) request(ctx context.Context, asked question, body []byte) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, asked.method, c.base+asked.path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask auth: %w", err)
	}
	if asked.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if asked.authorization != "" {
		request.Header.Set("Authorization", asked.authorization)
	}
	request.Header.Set(AddressHeader, asked.from)
	if id := httpx.RequestIDOf(ctx); id != "" {
		request.Header.Set("X-Request-Id", id)
	}
	return request, nil
}

// do sends a request, once more if the connection was refused: then nothing has been done yet.
func (c *Client) do(ctx context.Context, asked question) ([]byte, error) {
	var sent []byte
	if asked.body != nil {
		var err error
		if sent, err = json.Marshal(asked.body); err != nil {
			return nil, fmt.Errorf("ask auth: %w", err)
		}
	}
	asking, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for attempt := 1; ; attempt++ {
		request, err := c.request(asking, asked, sent)
		if err != nil {
			return nil, err
		}
		body, err := send(c.http, request)
		switch {
		case err == nil:
			return body, nil
		case ctx.Err() != nil:
			return nil, fmt.Errorf("ask auth: %w", ctx.Err())
		case attempt == 1 && errors.Is(err, syscall.ECONNREFUSED) && pause(asking):
			c.logger.DebugContext(ctx, "auth refused the connection, trying once more")
		default:
			return nil, err
		}
	}
}

func pause(ctx context.Context) bool {
	select {
	case <-time.After(retryPause):
		return true
	case <-ctx.Done():
		return false
	}
}

// send returns the body of a successful answer, an httpx.Problem for a refusal, and otherwise ErrUnavailable.
func send(client *http.Client, request *http.Request) ([]byte, error) {
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, httpx.WithoutURL(err))
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: read its answer: %w", ErrUnavailable, err)
	case response.StatusCode >= 200 && response.StatusCode < 300:
		return body, nil
	}
	if problem, ok := refusal(response, body); ok {
		return nil, problem
	}
	// Whoever answers like that stands in auth's place, as what is there while a cluster's Service is being set up. The
	// next question is asked over a new connection, which may find auth itself.
	client.CloseIdleConnections()
	return nil, fmt.Errorf("%w: it answers %s", ErrUnavailable, response.Status)
}

// passedOn are the headers of a refusal that whoever asked needs to see.
var passedOn = []string{"WWW-Authenticate", "RateLimit", "RateLimit-Policy"}

// refusal reads what the auth service refuses: a problem document, or a text from the original route. What
// else answers with an error is not the auth service, or not in order, and nothing for users to read.
func refusal(response *http.Response, body []byte) (problem httpx.Problem, ok bool) {
	status := response.StatusCode
	kind, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";")
	switch {
	case status < 400 || status >= 500:
		return httpx.Problem{}, false
	case kind == httpx.ProblemType && json.Unmarshal(body, &problem) == nil:
	case kind == "text/plain" && plainRefusal(status):
		problem = httpx.NewProblem(status, "refused", http.StatusText(status), strings.TrimSpace(string(body)))
	default:
		return httpx.Problem{}, false
	}
	problem.Status, problem.Instance = status, ""
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil {
		problem.RetryAfter = time.Duration(seconds) * time.Second
	}
	problem.Header = make(http.Header)
	for _, name := range passedOn {
		if values := response.Header.Values(name); len(values) > 0 {
			problem.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	return problem, true
}

// plainRefusal tells whether an original route refuses with a status, in plain text.
func plainRefusal(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusTooManyRequests
}
