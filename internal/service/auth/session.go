package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/service/auth/client"
	"github.com/unreel/unreel/internal/service/auth/client/token"
	"github.com/unreel/unreel/internal/store/users"
)

const (
	// sessionIdle is how long a session lasts that nobody uses.
	sessionIdle = 30 * 24 * time.Hour
	// sessionLife is how long it lasts however much it is used.
	sessionLife = 365 * 24 * time.Hour
	// collected is how many expired sessions a log-in removes: more than it adds.
	collected = 100
)

// errSession says that a refresh token is not good, and not whether it ever was.
var errSession = errors.New("refresh token is not valid")

// secretBytes is how long each of a refresh token's secrets is.
const secretBytes = 32

// refreshToken is what a client shows to go on with its session. There is no time in which the token before the last
// is good as well: a client whose answer got lost logs in again, for nobody can tell it from a thief.
type refreshToken struct {
	family [secretBytes]byte // the same as long as the session lasts
	own    [secretBytes]byte // new each time
}

// String is the token as clients keep it.
func (t refreshToken) String() string {
	return base64.RawURLEncoding.EncodeToString(append(t.family[:], t.own[:]...))
}

// next returns the token that comes after this one.
func (t refreshToken) next() refreshToken {
	rand.Read(t.own[:])
	return t
}

func newRefreshToken() refreshToken {
	var t refreshToken
	rand.Read(t.family[:])
	return t.next()
}

func parseRefreshToken(text string) (t refreshToken, ok bool) {
	if len(text) != base64.RawURLEncoding.EncodedLen(2*secretBytes) {
		return refreshToken{}, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != 2*secretBytes {
		return refreshToken{}, false
	}
	copy(t.family[:], raw)
	copy(t.own[:], raw[secretBytes:])
	return t, true
}

// begin makes a session for an account whose password has just been checked.
func (s *Service) begin(ctx context.Context, user users.User) (client.Session, error) {
	refresh := newRefreshToken()
	now := time.Now().UTC().Truncate(time.Microsecond)
	session := users.Session{
		ID: string(conversion.NewID(now)), UserID: user.ID,
		Family: sha256.Sum256(refresh.family[:]), Token: sha256.Sum256(refresh.own[:]),
		CreatedAt: now, ExpiresAt: now.Add(sessionIdle), EndsAt: now.Add(sessionLife),
	}
	granted, err := s.grant(ctx, user, session.ID, refresh)
	if err != nil {
		return client.Session{}, err
	}
	err = s.store.BeginSession(ctx, session, user.PasswordHash)
	if errors.Is(err, users.ErrNotFound) {
		return client.Session{}, errCredentials // the password was changed this moment
	}
	if err != nil {
		return client.Session{}, fmt.Errorf("begin session: %w", err)
	}
	if _, err := s.store.CollectSessions(ctx, now, collected); err != nil {
		s.logger.WarnContext(ctx, "expired sessions not collected, the next log-in will do", "error", err)
	}
	return granted, nil
}

// grant makes what a client gets.
func (s *Service) grant(ctx context.Context, user users.User, sessionID string, refresh refreshToken) (client.Session, error) {
	signed, err := s.sign(ctx, user, sessionID)
	return client.Session{
		AccessToken: signed, TokenType: "Bearer", ExpiresIn: int(token.Life.Seconds()), RefreshToken: refresh.String(),
	}, err
}

// refresh goes on with a session, or returns errSession, or an httpx.Problem if too many have failed.
func (s *Service) refresh(ctx context.Context, from, text string) (client.Session, error) {
	buckets := bucketsOf(from, "")
	if wait := s.refreshes.take(time.Now(), buckets); wait > 0 {
		s.logger.WarnContext(ctx, "refresh refused, too many have failed", "client", from)
		return client.Session{}, refreshes.tooMany(wait)
	}
	granted, err := s.rotate(ctx, from, text)
	if !errors.Is(err, errSession) {
		s.refreshes.giveBack(buckets)
	}
	return granted, err
}

func (s *Service) rotate(ctx context.Context, from, text string) (client.Session, error) {
	shown, ok := parseRefreshToken(text)
	if !ok {
		return client.Session{}, errSession
	}
	// Without a key the token would be spent for nothing.
	if _, err := s.keys.signer(ctx); err != nil {
		return client.Session{}, err
	}
	next, now := shown.next(), time.Now().UTC().Truncate(time.Microsecond)
	session, err := s.store.RotateSession(ctx, users.Turn{
		Family: sha256.Sum256(shown.family[:]), Token: sha256.Sum256(shown.own[:]), Next: sha256.Sum256(next.own[:]),
		Now: now, ExpiresAt: now.Add(sessionIdle),
	})
	switch {
	case errors.Is(err, users.ErrReused):
		s.logger.WarnContext(ctx, "session ended: a refresh token was used twice",
			"user", session.UserID, "session", session.ID, "client", from)
		return client.Session{}, errSession
	case errors.Is(err, users.ErrNoSession):
		return client.Session{}, errSession
	case err != nil:
		return client.Session{}, fmt.Errorf("refresh: %w", err)
	}
	// The account as it is now: its rights may have changed, and a version that knows no sessions may have removed it.
	user, err := s.store.ByID(ctx, session.UserID)
	if errors.Is(err, users.ErrNotFound) {
		return client.Session{}, errSession
	}
	if err != nil {
		return client.Session{}, fmt.Errorf("refresh: %w", err)
	}
	return s.grant(ctx, user, session.ID, next)
}

// logOut ends the session of a refresh token. One that is not good any more has none: that is no error (RFC 7009, 2.2).
func (s *Service) logOut(ctx context.Context, text string) error {
	shown, ok := parseRefreshToken(text)
	if !ok {
		return nil
	}
	return s.store.EndFamily(ctx, sha256.Sum256(shown.family[:]))
}
