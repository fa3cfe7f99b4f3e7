// Package webhook calls addresses that strangers have named, signed as Standard Webhooks 1.0.0 has it
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md). Such an address must not
// become a way into the network that the call comes from.
package webhook

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/unreel/unreel/internal/httpx"
)

// Mode is where calls may go: UNREEL_WEBHOOKS.
type Mode string

// The modes.
const (
	Public Mode = "public" // by HTTPS to addresses on the Internet
	Any    Mode = "any"    // by HTTP too, and to whatever the process can reach
	Off    Mode = "off"    // nowhere
)

// Validate says what a mode may be.
func (m Mode) Validate() error {
	switch m {
	case Public, Any, Off:
		return nil
	default:
		return errors.New("must be public, any or off")
	}
}

// ErrGone says that an address wants no more calls (410).
var ErrGone = errors.New("the address wants no more calls")

const (
	// callTime is how long one call may take; the specification advises 15 to 30 s.
	callTime = 20 * time.Second
	// maxAnswer is how much of an answer is read, in bytes, so that its connection ends in order.
	maxAnswer = 4 << 10
	// secretBytes is how long secrets are; the specification allows 24 to 64.
	secretBytes = 32
)

// NewSecret makes a secret for one address.
func NewSecret() []byte {
	secret := make([]byte, secretBytes)
	rand.Read(secret)
	return secret
}

// FormatSecret writes a secret as receivers are told it.
func FormatSecret(secret []byte) string {
	return "whsec_" + base64.StdEncoding.EncodeToString(secret)
}

// Caller makes calls. All methods may be called concurrently.
type Caller struct {
	mode Mode
	http *http.Client
}

// NewCaller makes a Caller that goes where a mode allows.
func NewCaller(mode Mode) *Caller {
	dialer := &net.Dialer{Timeout: callTime}
	if mode != Any {
		// Here the name has been looked up: it cannot become another address any more.
		dialer.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error { return checkDialed(address) }
	}
	return &Caller{mode: mode, http: &http.Client{
		Timeout: callTime,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: callTime, DisableKeepAlives: true,
			MaxResponseHeaderBytes: 64 << 10,
		},
		// Another address would have to be named by who owns the webhook.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Call is one message to one address.
type Call struct {
	ID      string // the same for every try
	URL     string
	Secret  []byte
	Payload []byte // JSON
}

// Do makes a call and returns nil if it was taken (2xx), ErrGone, or what went wrong.
func (c *Caller) Do(ctx context.Context, call Call) error {
	request, err := newRequest(ctx, call, time.Now())
	if err != nil {
		return err
	}
	if c.mode != Any && request.URL.Scheme != "https" {
		return errors.New("call webhook: its address must begin with https:// (UNREEL_WEBHOOKS=any allows others)")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("call webhook: %w", httpx.WithoutURL(err))
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswer) // what it says is of no use, nor why it broke off
	switch {
	case response.StatusCode >= 200 && response.StatusCode < 300:
		return nil
	case response.StatusCode == http.StatusGone:
		return ErrGone
	default:
		return fmt.Errorf("call webhook: it answers %d", response.StatusCode)
	}
}

func newRequest(ctx context.Context, call Call, now time.Time) (*http.Request, error) {
	signer, err := standardwebhooks.NewWebhookRaw(call.Secret)
	if err != nil {
		return nil, fmt.Errorf("sign webhook: %w", err)
	}
	signature, err := signer.Sign(call.ID, now, call.Payload)
	if err != nil {
		return nil, fmt.Errorf("sign webhook: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, call.URL, bytes.NewReader(call.Payload))
	if err != nil {
		return nil, fmt.Errorf("call webhook: %w", httpx.WithoutURL(err))
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "Unreel-Webhook")
	request.Header.Set(standardwebhooks.HeaderWebhookID, call.ID)
	request.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	request.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return request, nil
}
