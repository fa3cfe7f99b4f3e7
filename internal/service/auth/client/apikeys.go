package client

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/service/auth/client/token"
)

// APIKeyPrefix is how every API key begins, so that people and scanners of secrets know one when they see it.
const APIKeyPrefix = "unreel_"

// IsAPIKey tells whether a bearer token is meant as an API key.
func IsAPIKey(text string) bool { return strings.HasPrefix(text, APIKeyPrefix) }

// NeedsLogIn is the problem of an API key that is used for what takes a person who has logged in.
func NeedsLogIn() httpx.Problem {
	return httpx.NewProblem(http.StatusForbidden, "needs-log-in", "An API key cannot do this", "Log in with the password for this.")
}

const (
	// maxAPIKey is more than any API key has, in bytes.
	maxAPIKey = 100
	// keyFresh is for how long the auth service is not asked again about a key: so long one that is removed stays good.
	keyFresh = time.Minute
	// keyStale is for how long a key is good that the auth service cannot be asked about: as long as a token.
	keyStale = token.Life
	// keysKept is how many keys are remembered.
	keysKept = 10_000
)

// AddAPIKey makes a key for the account of an Authorization header with an access token.
func (c *Client) AddAPIKey(ctx context.Context, from, authorization string, request APIKeyRequest) (NewAPIKey, error) {
	var key NewAPIKey
	err := c.ask(ctx, question{method: http.MethodPost, path: "/api-keys", from: from, authorization: authorization, body: request}, &key)
	return key, err
}

// APIKeys lists the keys of the account of an Authorization header.
func (c *Client) APIKeys(ctx context.Context, from, authorization string) (APIKeyList, error) {
	var list APIKeyList
	err := c.ask(ctx, question{method: http.MethodGet, path: "/api-keys", from: from, authorization: authorization}, &list)
	return list, err
}

// RemoveAPIKey removes a key of the account of an Authorization header with an access token.
func (c *Client) RemoveAPIKey(ctx context.Context, from, authorization, id string) error {
	return c.ask(ctx, question{method: http.MethodDelete, path: "/api-keys/" + url.PathEscape(id), from: from, authorization: authorization}, nil)
}

// knownKey is what the auth service last said of a key that is good.
type knownKey struct {
	claims Claims
	at     time.Time
}

// keyCache remembers keys by their hashes.
type keyCache = lru.Cache[[sha256.Size]byte, knownKey]

// CheckAPIKey returns whom a key acts for, or an error that wraps ErrBadToken, or what Client's methods return. It asks
// the auth service once a minute for a key, and where that is away goes by its last answer for as long as a token is good.
func (c *Client) CheckAPIKey(ctx context.Context, from, text string) (Claims, error) {
	if len(text) > maxAPIKey {
		return Claims{}, ErrBadToken
	}
	hash := sha256.Sum256([]byte(text))
	known, found := c.keys.Get(hash)
	if found && time.Since(known.at) < keyFresh && time.Now().Before(known.claims.ExpiresAt) {
		return known.claims, nil
	}
	claims, err := c.validate(ctx, from, text)
	switch {
	case err == nil:
		c.keys.Add(hash, knownKey{claims, time.Now()})
		return claims, nil
	case errors.Is(err, ErrBadToken):
		c.keys.Remove(hash)
	case found && errors.Is(err, ErrUnavailable) && time.Since(known.at) < keyStale && time.Now().Before(known.claims.ExpiresAt):
		c.logger.WarnContext(ctx, "auth is away, an API key is good by its last answer", "user", known.claims.UserID)
		return known.claims, nil
	}
	return Claims{}, err
}

func (c *Client) validate(ctx context.Context, from, text string) (Claims, error) {
	var claims token.Claims
	err := c.ask(ctx, question{method: http.MethodPost, path: "/validate", from: from, authorization: "Bearer " + text}, &claims)
	if problem, ok := errors.AsType[httpx.Problem](err); ok && problem.Status == http.StatusForbidden {
		return Claims{}, fmt.Errorf("%w: auth says %s", ErrBadToken, problem.Detail)
	}
	if err != nil {
		return Claims{}, err
	}
	if claims.Subject == "" || claims.ExpiresAt == nil {
		return Claims{}, fmt.Errorf("%w: it says nothing of an account", ErrUnavailable)
	}
	return newClaims(claims, true), nil
}
