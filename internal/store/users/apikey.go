package users

import (
	"context"
	"errors"
	"time"
)

var (
	// ErrNoAPIKey says that no account, or not this one, has such a key.
	ErrNoAPIKey = errors.New("no such API key")
	// ErrTooMany says that an account has MaxAPIKeys keys.
	ErrTooMany = errors.New("too many API keys")
)

// MaxAPIKeys is how many keys an account has at once.
const MaxAPIKeys = 100

// APIKey lets a program act for an account. The key itself is shown once and not kept.
type APIKey struct {
	ID        string // 24 hex digits
	UserID    string
	Name      string // its owner's, at most 100 characters
	Hash      Hash   // of the key
	Hint      string // how the key begins, by which its owner knows it again
	CreatedAt time.Time
	UsedAt    time.Time // about when it was last used; zero for never
	ExpiresAt time.Time // zero for never
}

// Expired tells whether the key is no longer good.
func (k APIKey) Expired(now time.Time) bool {
	return !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt)
}

// APIKeys is the part of a Store that keeps keys for programs.
type APIKeys interface {
	// AddAPIKey adds a key to an account. It returns ErrNotFound without the account, and ErrTooMany if that has
	// MaxAPIKeys.
	AddAPIKey(ctx context.Context, key APIKey) error
	// APIKeys returns an account's keys, newest first.
	APIKeys(ctx context.Context, userID string) ([]APIKey, error)
	// FindAPIKey returns the key with a hash, expired or not, or ErrNoAPIKey.
	FindAPIKey(ctx context.Context, hash Hash) (APIKey, error)
	// UseAPIKey notes when a key was used. That there is none is no error.
	UseAPIKey(ctx context.Context, id string, at time.Time) error
	// RemoveAPIKey removes a key of an account, or returns ErrNoAPIKey.
	RemoveAPIKey(ctx context.Context, userID, id string) error
}
