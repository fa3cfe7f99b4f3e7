package token

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// JWK is a public key as RFC 8037 has it.
type JWK struct {
	Type      string `json:"kty"` // OKP
	Curve     string `json:"crv"` // Ed25519
	ID        string `json:"kid"`
	X         string `json:"x"`   // the key, base64url
	Algorithm string `json:"alg"` // EdDSA
	Use       string `json:"use"` // sig
}

// JWKS is a set of public keys (RFC 7517).
type JWKS struct {
	Keys []JWK `json:"keys"`
}

const (
	keyType   = "OKP"
	curve     = "Ed25519"
	algorithm = "EdDSA"
)

// NewJWK makes the public form of a key.
func NewJWK(id string, key ed25519.PublicKey) JWK {
	return JWK{
		Type: keyType, Curve: curve, ID: id, Algorithm: algorithm, Use: "sig",
		X: base64.RawURLEncoding.EncodeToString(key),
	}
}

// ParseJWKS returns the keys of a set by their ids. Keys of other kinds are passed over, as RFC 7517 asks;
// a set without any key of ours is an error.
func ParseJWKS(raw []byte) (map[string]ed25519.PublicKey, error) {
	var set JWKS
	if err := json.Unmarshal(raw, &set); err != nil {
		return nil, fmt.Errorf("read JWKS: %w", err)
	}
	keys := make(map[string]ed25519.PublicKey, len(set.Keys))
	for _, jwk := range set.Keys {
		if jwk.Type != keyType || jwk.Curve != curve || jwk.ID == "" {
			continue
		}
		key, err := base64.RawURLEncoding.DecodeString(jwk.X)
		if err != nil || len(key) != ed25519.PublicKeySize {
			continue
		}
		keys[jwk.ID] = key
	}
	if len(keys) == 0 {
		return nil, errors.New("read JWKS: it has no Ed25519 key")
	}
	return keys, nil
}
