package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/service/auth/client"
	"github.com/unreel/unreel/internal/store/users"
)

const (
	maxKeyName = 100 // characters
	// maxKeyLife is how far ahead a key's end may be, in seconds: ten years.
	maxKeyLife = 10 * 365 * 24 * 60 * 60
	// usedEvery is how exactly it is kept when a key was last used.
	usedEvery = time.Minute
	// hintBytes is how much of a key is kept to show: its prefix, and 20 of its 256 random bits.
	hintBytes = len(client.APIKeyPrefix) + 4
)

// errKey says that an API key is not good, and not whether it ever was.
var errKey = errors.New("API key is not valid")

// keyText is how a key's random bytes are written: by letters and digits alone, so that a double click takes all of it.
var keyText = base32.StdEncoding.WithPadding(base32.NoPadding)

// makeAPIKey makes an account's key, with the text that is shown once.
func makeAPIKey(userID string, request client.APIKeyRequest, now time.Time) (users.APIKey, string, error) {
	var fields []httpx.FieldError
	if utf8.RuneCountInString(request.Name) > maxKeyName || strings.ContainsFunc(request.Name, unprintable) {
		fields = append(fields, httpx.FieldError{Field: "name", Detail: fmt.Sprintf("must have at most %d characters, and none that cannot be seen", maxKeyName)})
	}
	key := users.APIKey{ID: string(conversion.NewID(now)), UserID: userID, Name: request.Name, CreatedAt: now}
	if seconds := request.ExpiresIn; seconds != nil {
		if *seconds < 1 || *seconds > maxKeyLife {
			fields = append(fields, httpx.FieldError{Field: "expires_in", Detail: fmt.Sprintf("must be from 1 to %d seconds; leave it out for a key that stays", maxKeyLife)})
		}
		key.ExpiresAt = now.Add(time.Duration(*seconds) * time.Second)
	}
	if len(fields) > 0 {
		return users.APIKey{}, "", &InvalidError{fields}
	}
	random := make([]byte, secretBytes)
	rand.Read(random)
	text := client.APIKeyPrefix + strings.ToLower(keyText.EncodeToString(random))
	key.Hash, key.Hint = sha256.Sum256([]byte(text)), text[:hintBytes]
	return key, text, nil
}

func unprintable(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }

// useKey returns the account that a key acts for, or errKey, or an httpx.Problem if too many were not good. The
// parameter from is the client's address, or empty.
func (s *Service) useKey(ctx context.Context, from, text string) (users.APIKey, users.User, error) {
	buckets := bucketsOf(from, "")
	if wait := s.apiKeys.take(time.Now(), buckets); wait > 0 {
		s.logger.WarnContext(ctx, "API key refused, too many were not valid", "client", from)
		return users.APIKey{}, users.User{}, apiKeys.tooMany(wait)
	}
	key, user, err := s.findKey(ctx, text)
	if !errors.Is(err, errKey) {
		s.apiKeys.giveBack(buckets)
	}
	return key, user, err
}

func (s *Service) findKey(ctx context.Context, text string) (users.APIKey, users.User, error) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	key, err := s.store.FindAPIKey(ctx, sha256.Sum256([]byte(text)))
	if errors.Is(err, users.ErrNoAPIKey) || err == nil && key.Expired(now) {
		return users.APIKey{}, users.User{}, errKey
	}
	if err != nil {
		return users.APIKey{}, users.User{}, fmt.Errorf("check API key: %w", err)
	}
	user, err := s.store.ByID(ctx, key.UserID)
	if errors.Is(err, users.ErrNotFound) {
		return users.APIKey{}, users.User{}, errKey
	}
	if err != nil {
		return users.APIKey{}, users.User{}, fmt.Errorf("check API key: %w", err)
	}
	if now.Sub(key.UsedAt) >= usedEvery {
		if err := s.store.UseAPIKey(ctx, key.ID, now); err != nil {
			s.logger.WarnContext(ctx, "use of an API key not noted", "user", user.ID, "key", key.ID, "error", err)
		}
	}
	return key, user, nil
}

// shownKey is a key as its owner sees it.
func shownKey(key users.APIKey) client.APIKey {
	return client.APIKey{
		ID: key.ID, Name: key.Name, Hint: key.Hint, CreatedAt: key.CreatedAt,
		LastUsedAt: optional(key.UsedAt), ExpiresAt: optional(key.ExpiresAt),
	}
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
