package client

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"

	"github.com/unreel/unreel/internal/service/auth/client/token"
)

const (
	// refreshEvery is how old known keys get. New keys are published for longer than that before they sign.
	refreshEvery = 5 * time.Minute
	// refreshRetry is the same while no keys are known.
	refreshRetry = time.Second
	// unknownEvery and unknownBurst limit how often tokens with unknown keys make the service be asked.
	unknownEvery = 10 * time.Second
	unknownBurst = 3
)

// ErrBadToken says that a token is forged, expired or not a token at all.
var ErrBadToken = errors.New("token is not valid")

// Claims is what a token or an API key says about who sent it.
type Claims struct {
	UserID    string
	Username  string // the account's address
	Admin     bool
	ID        string // of the token
	ExpiresAt time.Time
	APIKey    bool // it came with an API key
}

// Verifier checks tokens with the auth service's public keys, which it keeps: once it has them, the service may
// be away for as long as it likes. All methods may be called concurrently.
type Verifier struct {
	url    string
	issuer string
	http   *http.Client
	logger *slog.Logger

	keys    atomic.Pointer[map[string]ed25519.PublicKey] // nil until the first were fetched
	fetches singleflight.Group
	unknown *rate.Limiter
}

// NewVerifier makes a Verifier of the tokens of an issuer, with a base URL and a transport as for New.
func NewVerifier(baseURL, issuer string, transport http.RoundTripper, logger *slog.Logger) (*Verifier, error) {
	base, err := checkBase(baseURL)
	if err != nil {
		return nil, err
	}
	return &Verifier{
		url: base + "/.well-known/jwks.json", issuer: issuer, http: newHTTP(transport), logger: logger,
		unknown: rate.NewLimiter(rate.Every(unknownEvery), unknownBurst),
	}, nil
}

// Run keeps the keys fresh until the context ends.
func (v *Verifier) Run(ctx context.Context) error {
	for {
		wait := refreshEvery
		if err := v.refresh(ctx); err != nil && ctx.Err() == nil {
			v.logger.WarnContext(ctx, "keys of auth not refreshed", "error", err)
			if v.Check() != nil {
				wait = refreshRetry
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// Check returns nil if tokens can be checked, and else ErrUnavailable: no keys are known yet.
func (v *Verifier) Check() error {
	if v.keys.Load() == nil {
		return fmt.Errorf("%w: its keys are not known yet", ErrUnavailable)
	}
	return nil
}

// Verify returns what a token says, or an error that wraps ErrBadToken, or one that wraps ErrUnavailable
// if no keys are known yet and none can be fetched.
func (v *Verifier) Verify(ctx context.Context, text string) (Claims, error) {
	claims, err := token.Parse(text, v.issuer, func(id string) (ed25519.PublicKey, error) { return v.find(ctx, id) })
	if errors.Is(err, token.ErrInvalid) {
		return Claims{}, fmt.Errorf("%w: %w", ErrBadToken, err)
	}
	if err != nil {
		return Claims{}, fmt.Errorf("verify token: %w", err)
	}
	return newClaims(claims, false), nil
}

func newClaims(claims token.Claims, apiKey bool) Claims {
	return Claims{
		UserID: claims.Subject, Username: claims.Username, Admin: claims.Admin,
		ID: claims.RegisteredClaims.ID, ExpiresAt: claims.ExpiresAt.Time, APIKey: apiKey,
	}
}

// JWKS returns the keys to publish, fetching them first if none are known yet.
func (v *Verifier) JWKS(ctx context.Context) (token.JWKS, error) {
	if v.keys.Load() == nil {
		if err := v.refresh(ctx); err != nil {
			return token.JWKS{}, err
		}
	}
	keys := *v.keys.Load()
	set := token.JWKS{Keys: make([]token.JWK, 0, len(keys))}
	for _, id := range slices.Sorted(maps.Keys(keys)) {
		set.Keys = append(set.Keys, token.NewJWK(id, keys[id]))
	}
	return set, nil
}

func (v *Verifier) find(ctx context.Context, id string) (ed25519.PublicKey, error) {
	if key, found := v.known(id); found {
		return key, nil
	}
	var err error
	first := v.keys.Load() == nil
	if first || v.unknown.Allow() {
		err = v.refresh(ctx)
	}
	if key, found := v.known(id); found {
		return key, nil
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case first && err != nil:
		return nil, err
	default:
		return nil, fmt.Errorf("%w: its key is not known", token.ErrInvalid)
	}
}

func (v *Verifier) known(id string) (key ed25519.PublicKey, found bool) {
	if keys := v.keys.Load(); keys != nil {
		key, found = (*keys)[id]
	}
	return key, found
}

// refresh fetches the keys. Callers that come meanwhile share the answer, so it does not end with one of them.
func (v *Verifier) refresh(ctx context.Context) error {
	done := v.fetches.DoChan("keys", func() (any, error) {
		fetching, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		return nil, v.fetch(fetching)
	})
	select {
	case result := <-done:
		return result.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (v *Verifier) fetch(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, v.url, http.NoBody)
	if err != nil {
		return fmt.Errorf("fetch keys: %w", err)
	}
	body, err := send(v.http, request)
	if err != nil {
		// Not even a refusal is the fault of whoever sent the token.
		return fmt.Errorf("fetch keys: %w: %s", ErrUnavailable, err.Error())
	}
	keys, err := token.ParseJWKS(body)
	if err != nil {
		return fmt.Errorf("fetch keys: %w: %w", ErrUnavailable, err)
	}
	v.keys.Store(&keys)
	return nil
}
