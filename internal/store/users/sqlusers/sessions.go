package sqlusers

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"time"

	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/internal/store/users"
)

// BeginSession adds a session to an account that still has this password.
func (s *Store) BeginSession(ctx context.Context, session users.Session, passwordHash string) error {
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		var id string
		// The lock makes a change of the password wait, and then it finds this session.
		query := `SELECT id FROM users WHERE id = ? AND password_hash = ?` + s.db.ForUpdate()
		err := tx.QueryRowContext(ctx, query, session.UserID, passwordHash).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return users.ErrNotFound
		}
		if err != nil {
			return err
		}
		if err := makeRoom(ctx, tx, session.UserID); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx,
			`INSERT INTO sessions (id, user_id, family, token, created_at, expires_at, ends_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			session.ID, session.UserID, session.Family[:], session.Token[:],
			database.Micros(session.CreatedAt), database.Micros(session.ExpiresAt), database.Micros(session.EndsAt))
		return err
	})
	return named("begin session", err)
}

// makeRoom leaves an account one session less than it may have. MySQL needs the table in between.
func makeRoom(ctx context.Context, tx *sql.Tx, userID string) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE id IN (SELECT id FROM (
		SELECT id FROM sessions WHERE user_id = ? ORDER BY expires_at DESC, id DESC LIMIT ? OFFSET ?) AS surplus)`,
		userID, users.MaxSessions, users.MaxSessions-1)
	return err
}

// RotateSession replaces the token of a session by the next one.
func (s *Store) RotateSession(ctx context.Context, turn users.Turn) (users.Session, error) {
	var session users.Session
	var refused error // of a transaction that commits
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		var err error
		if session, err = lockFamily(ctx, tx, turn.Family, s.db.ForUpdate()); err != nil {
			return err
		}
		if refused = refusal(session, turn); refused != nil {
			_, err = tx.ExecContext(ctx, `DELETE FROM sessions WHERE id = ?`, session.ID)
			return err
		}
		session.Token, session.ExpiresAt = turn.Next, earlier(turn.ExpiresAt, session.EndsAt)
		_, err = tx.ExecContext(ctx, `UPDATE sessions SET token = ?, expires_at = ? WHERE id = ?`,
			session.Token[:], database.Micros(session.ExpiresAt), session.ID)
		return err
	})
	if err == nil {
		err = refused
	}
	return session, named("rotate session", err)
}

// refusal says why a turn ends the session instead of going on with it.
func refusal(session users.Session, turn users.Turn) error {
	switch {
	case !turn.Now.Before(session.ExpiresAt):
		return users.ErrNoSession
	case subtle.ConstantTimeCompare(session.Token[:], turn.Token[:]) != 1:
		return users.ErrReused
	}
	return nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// lockFamily returns the session whose tokens have a secret in common, which this transaction is going to change.
func lockFamily(ctx context.Context, tx *sql.Tx, family users.Hash, lock string) (users.Session, error) {
	session := users.Session{Family: family}
	var token []byte
	var created, expires, ends int64
	query := `SELECT id, user_id, token, created_at, expires_at, ends_at FROM sessions WHERE family = ?` + lock
	err := tx.QueryRowContext(ctx, query, family[:]).Scan(&session.ID, &session.UserID, &token, &created, &expires, &ends)
	if errors.Is(err, sql.ErrNoRows) {
		return users.Session{}, users.ErrNoSession
	}
	copy(session.Token[:], token)
	session.CreatedAt, session.ExpiresAt, session.EndsAt = database.Time(created), database.Time(expires), database.Time(ends)
	return session, err
}

// HasSession tells whether the session with an id goes on.
func (s *Store) HasSession(ctx context.Context, id string, now time.Time) (bool, error) {
	var count int
	err := s.db.QueryRow(ctx, `SELECT COUNT(*) FROM sessions WHERE id = ? AND expires_at > ?`, []any{id, database.Micros(now)}, &count)
	return count > 0, named("look for session", err)
}

// EndSession removes the session with an id.
func (s *Store) EndSession(ctx context.Context, id string) error {
	_, err := s.exec(ctx, `DELETE FROM sessions WHERE id = ?`, id)
	return named("end session", err)
}

// EndFamily removes the session with a token.
func (s *Store) EndFamily(ctx context.Context, family users.Hash) error {
	_, err := s.exec(ctx, `DELETE FROM sessions WHERE family = ?`, family[:])
	return named("end session", err)
}

// CollectSessions removes sessions that have expired.
func (s *Store) CollectSessions(ctx context.Context, now time.Time, limit int) (int, error) {
	removed, err := s.exec(ctx, `DELETE FROM sessions WHERE id IN (SELECT id FROM (
		SELECT id FROM sessions WHERE expires_at <= ? ORDER BY expires_at LIMIT ?) AS expired)`, database.Micros(now), limit)
	return int(removed), named("collect sessions", err)
}
