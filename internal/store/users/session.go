package users

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"
)

var (
	// ErrNoSession says that no session that still goes on has this token.
	ErrNoSession = errors.New("no such session")
	// ErrReused says that a refresh token came a second time. Its session has ended.
	ErrReused = errors.New("refresh token was used before")
)

// MaxSessions is how many sessions an account has at once. One more ends the one that would end first.
const MaxSessions = 100

// Hash is the SHA-256 of a secret. That is enough for secrets of 256 random bits, which nobody can try out.
type Hash [sha256.Size]byte

// Session is one log-in and all tokens that descend from it: what RFC 9700, section 4.14.2, calls a family.
//
// A refresh token has two secrets. The first stays the same as long as the session lasts, and finds it; the second is
// new each time. Whoever shows the first with another second has a token that was once good, however long ago, and
// the store need not remember those.
type Session struct {
	ID        string // 24 hex digits; an access token's "sid"
	UserID    string
	Family    Hash // of what its refresh tokens have in common
	Token     Hash // of what only the next one to be used has
	CreatedAt time.Time
	ExpiresAt time.Time // unless it is used before
	EndsAt    time.Time // however much it is used
}

// Sessions is the part of a Store that keeps sessions. Times are the caller's, for days matter here, not seconds.
type Sessions interface {
	// BeginSession adds a session to an account that still has this password, or returns ErrNotFound: a log-in
	// must not outlive a change of the password that it was made with.
	BeginSession(ctx context.Context, session Session, passwordHash string) error
	// RotateSession replaces the token of a session by the next one and puts off its end until then, or until EndsAt
	// if that is earlier. It returns ErrNoSession if there is none or it has expired, and ErrReused if the
	// token is not the session's latest; then the session is removed.
	RotateSession(ctx context.Context, turn Turn) (Session, error)
	// HasSession tells whether the session with an id goes on.
	HasSession(ctx context.Context, id string, now time.Time) (bool, error)
	// EndSession removes the session with an id, and EndFamily the one with a token. That there is none is no error.
	EndSession(ctx context.Context, id string) error
	EndFamily(ctx context.Context, family Hash) error
	// CollectSessions removes sessions that have expired, at most limit of them, and returns how many.
	CollectSessions(ctx context.Context, now time.Time, limit int) (int, error)
}

// Turn is one use of a refresh token.
type Turn struct {
	Family, Token Hash // what was shown
	Next          Hash // what the token shown next will have
	Now           time.Time
	ExpiresAt     time.Time // unless it is used before
}
