package sqlusers

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/internal/store/users"
)

// AddLetter adds a letter.
func (s *Store) AddLetter(ctx context.Context, letter users.Letter) error {
	created := database.Micros(letter.CreatedAt)
	_, err := s.exec(ctx, `INSERT INTO letters (id, purpose, user_id, address, created_at, due_at) VALUES (?, ?, ?, ?, ?, ?)`,
		letter.ID, letter.Purpose, letter.UserID, letter.Address, created, created)
	return named("add letter", err)
}

// ClaimLetters returns letters that are due.
func (s *Store) ClaimLetters(ctx context.Context, now, until time.Time, limit int) ([]users.Letter, error) {
	var letters []users.Letter
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT id, purpose, user_id, address, created_at FROM letters
			WHERE due_at <= ? ORDER BY due_at LIMIT ?`+s.db.SkipLocked(), database.Micros(now), limit)
		if err != nil {
			return err
		}
		if letters, err = scanLetters(rows); err != nil {
			return err
		}
		for _, letter := range letters {
			if _, err := tx.ExecContext(ctx, `UPDATE letters SET due_at = ? WHERE id = ?`, database.Micros(until), letter.ID); err != nil {
				return err
			}
		}
		return nil
	})
	return letters, named("claim letters", err)
}

func scanLetters(rows *sql.Rows) (letters []users.Letter, err error) {
	defer rows.Close()
	for rows.Next() {
		var letter users.Letter
		var created int64
		if err := rows.Scan(&letter.ID, &letter.Purpose, &letter.UserID, &letter.Address, &created); err != nil {
			return nil, err
		}
		letter.CreatedAt = database.Time(created)
		letters = append(letters, letter)
	}
	return letters, rows.Err()
}

// RemoveLetter removes a letter.
func (s *Store) RemoveLetter(ctx context.Context, id string) error {
	_, err := s.exec(ctx, `DELETE FROM letters WHERE id = ?`, id)
	return named("remove letter", err)
}

// AddMailToken adds a token.
func (s *Store) AddMailToken(ctx context.Context, token users.MailToken) error {
	_, err := s.exec(ctx, `INSERT INTO mail_tokens (hash, purpose, user_id, address, expires_at) VALUES (?, ?, ?, ?, ?)`,
		token.Hash[:], token.Purpose, token.UserID, token.Address, database.Micros(token.ExpiresAt))
	return named("add mail token", err)
}

// ResetByMail gives the account of a token another password.
func (s *Store) ResetByMail(ctx context.Context, hash users.Hash, passwordHash string, now time.Time) (string, error) {
	var token users.MailToken
	err := s.db.Write(ctx, func(tx *sql.Tx) (err error) {
		if token, err = lockMailToken(ctx, tx, hash, now, s.db.ForUpdate()); err != nil {
			return err
		}
		if token.Purpose != users.ResetPassword {
			return users.ErrNoMailToken
		}
		err = changeOne(ctx, tx, `UPDATE users SET password_hash = ?, verified = 1 WHERE id = ? AND email = ?`, passwordHash, token.UserID, token.Address)
		if err != nil {
			return asNoMailToken(err)
		}
		return endOthers(ctx, tx, token.UserID, "")
	})
	return token.UserID, named("reset password", err)
}

// VerifyByMail takes an address as confirmed.
func (s *Store) VerifyByMail(ctx context.Context, hash users.Hash, now time.Time) (string, error) {
	var token users.MailToken
	err := s.db.Write(ctx, func(tx *sql.Tx) (err error) {
		if token, err = lockMailToken(ctx, tx, hash, now, s.db.ForUpdate()); err != nil {
			return err
		}
		switch token.Purpose {
		case users.VerifyAddress:
			return asNoMailToken(changeOne(ctx, tx, `UPDATE users SET verified = 1 WHERE id = ? AND email = ?`, token.UserID, token.Address))
		case users.ChangeAddress:
			if err := changeOne(ctx, tx, `UPDATE users SET verified = 1, email = ? WHERE id = ?`, token.Address, token.UserID); err != nil {
				return asNoMailToken(err)
			}
			_, err := tx.ExecContext(ctx, `DELETE FROM mail_tokens WHERE user_id = ? AND purpose = ?`, token.UserID, token.Purpose)
			return err
		default:
			return users.ErrNoMailToken
		}
	})
	if s.db.IsDuplicate(err) {
		return "", users.ErrTaken
	}
	return token.UserID, named("verify address", err)
}

// lockMailToken returns a token that is still good, which this transaction is going to use.
func lockMailToken(ctx context.Context, tx *sql.Tx, hash users.Hash, now time.Time, lock string) (users.MailToken, error) {
	token := users.MailToken{Hash: hash}
	var expires int64
	query := `SELECT purpose, user_id, address, expires_at FROM mail_tokens WHERE hash = ?` + lock
	err := tx.QueryRowContext(ctx, query, hash[:]).Scan(&token.Purpose, &token.UserID, &token.Address, &expires)
	token.ExpiresAt = database.Time(expires)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !now.Before(token.ExpiresAt) {
		return users.MailToken{}, users.ErrNoMailToken
	}
	return token, err
}

// asNoMailToken says of a token whose account is gone or another that there is none.
func asNoMailToken(err error) error {
	if errors.Is(err, users.ErrNotFound) {
		return users.ErrNoMailToken
	}
	return err
}

// CollectMailTokens removes tokens that have expired.
func (s *Store) CollectMailTokens(ctx context.Context, now time.Time, limit int) (int, error) {
	removed, err := s.exec(ctx, `DELETE FROM mail_tokens WHERE hash IN (SELECT hash FROM (
		SELECT hash FROM mail_tokens WHERE expires_at <= ? ORDER BY expires_at LIMIT ?) AS expired)`, database.Micros(now), limit)
	return int(removed), named("collect mail tokens", err)
}
