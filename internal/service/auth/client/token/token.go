// Package token is what an access token looks like: how it is signed, and the one way in which the auth
// service and its clients check it, so that they cannot differ over what is valid.
package token

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Life is how long a token is good for.
const Life = 15 * time.Minute

// leeway is by how much the clocks of two machines may differ.
const leeway = 10 * time.Second

// maxBytes is more than any token of ours has.
const maxBytes = 4 << 10

// ErrInvalid says that a text is no token that this system has signed and that is still good.
var ErrInvalid = errors.New("token is not valid")

// Claims is what a token says: iss, sub (the account's id), iat, exp and jti, and these.
type Claims struct {
	jwt.RegisteredClaims

	Username string `json:"username"` // the account's address
	Admin    bool   `json:"admin"`
	// SessionID names the session that the token belongs to; empty if it belongs to none.
	SessionID string `json:"sid,omitempty"`
}

// New makes the claims of a token that is good from now on for its Life.
func New(issuer, userID, username string, admin bool, now time.Time) Claims {
	return Claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Subject: userID, ID: rand.Text(),
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(Life)),
		},
		Username: username, Admin: admin,
	}
}

// Sign makes a token (RFC 7519) with an EdDSA signature (RFC 8037).
func Sign(claims Claims, keyID string, key ed25519.PrivateKey) (string, error) {
	unsigned := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
	unsigned.Header["kid"] = keyID
	text, err := unsigned.SignedString(key)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return text, nil
}

// Parse checks a token and returns its claims, or an error that wraps ErrInvalid. An error of find, which
// looks up a public key by its "kid", is wrapped instead if it does not wrap ErrInvalid.
func Parse(text, issuer string, find func(keyID string) (ed25519.PublicKey, error)) (Claims, error) {
	if len(text) > maxBytes {
		return Claims{}, fmt.Errorf("%w: it has %d bytes", ErrInvalid, len(text))
	}
	var claims Claims
	var findErr error
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}),
		jwt.WithIssuer(issuer), jwt.WithExpirationRequired(), jwt.WithLeeway(leeway), jwt.WithStrictDecoding())
	_, err := parser.ParseWithClaims(text, &claims, func(parsed *jwt.Token) (any, error) {
		keyID, _ := parsed.Header["kid"].(string)
		key, err := find(keyID)
		findErr = err
		return key, err
	})
	switch {
	case findErr != nil:
		return Claims{}, fmt.Errorf("find the token's key: %w", findErr)
	case err != nil:
		return Claims{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	case claims.Subject == "":
		return Claims{}, fmt.Errorf("%w: it names no account", ErrInvalid)
	}
	return claims, nil
}
