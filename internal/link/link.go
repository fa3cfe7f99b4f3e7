// Package link signs URLs that download one MP3 without a token until they expire: for mails, players and
// whoever the owner gives one to. The gateway checks what it and the notifier sign.
package link

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/unreel/unreel/internal/conversion"
)

var (
	// ErrInvalid says that a signature was not made for this id and this time.
	ErrInvalid = errors.New("link is not valid")
	// ErrExpired says that a link was good once.
	ErrExpired = errors.New("link has expired")
)

// keyName is the secret's name in the ledger.
const keyName = "links"

// keyBytes is the key's length: as much as the hash gives out (RFC 2104, section 3).
const keyBytes = sha256.Size

// Secrets keeps the key that all processes share; a ledger does.
type Secrets interface {
	Secret(ctx context.Context, name string, offer []byte) ([]byte, error)
}

// Signer makes and checks links. The key is fetched when first needed, so that a database that is away
// does not keep a service from starting.
type Signer struct {
	base    string
	secrets Secrets

	mutex sync.Mutex
	key   []byte
}

// NewSigner makes a Signer for a gateway whose public URL is base.
func NewSigner(base string, secrets Secrets) *Signer {
	return &Signer{base: strings.TrimSuffix(base, "/"), secrets: secrets}
}

// URL returns a link to a conversion's MP3 that works until the given time, in whole seconds.
func (s *Signer) URL(ctx context.Context, id conversion.ID, expires time.Time) (string, error) {
	signature, err := s.sign(ctx, id, expires.Unix())
	if err != nil {
		return "", err
	}
	query := url.Values{
		"expires":   {strconv.FormatInt(expires.Unix(), 10)},
		"signature": {base64.RawURLEncoding.EncodeToString(signature)},
	}
	return fmt.Sprintf("%s/v1/conversions/%s/mp3?%s", s.base, id, query.Encode()), nil
}

// Verify returns nil if the signature was made for this id and time, and the time has not come. Expires
// is in Unix seconds.
func (s *Signer) Verify(ctx context.Context, id conversion.ID, expires int64, signature string, now time.Time) error {
	given, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil {
		return ErrInvalid
	}
	want, err := s.sign(ctx, id, expires)
	if err != nil {
		return err
	}
	if !hmac.Equal(given, want) {
		return ErrInvalid
	}
	if now.Unix() >= expires {
		return ErrExpired
	}
	return nil
}

func (s *Signer) sign(ctx context.Context, id conversion.ID, expires int64) ([]byte, error) {
	key, err := s.loadKey(ctx)
	if err != nil {
		return nil, fmt.Errorf("load the key for links: %w", err)
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "mp3 %s %d", id, expires)
	return mac.Sum(nil), nil
}

func (s *Signer) loadKey(ctx context.Context) ([]byte, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.key != nil {
		return s.key, nil
	}
	offer := make([]byte, keyBytes)
	rand.Read(offer)
	key, err := s.secrets.Secret(ctx, keyName, offer)
	if err != nil {
		return nil, err
	}
	s.key = key
	return key, nil
}
