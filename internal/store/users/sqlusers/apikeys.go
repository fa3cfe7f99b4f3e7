package sqlusers

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/internal/store/users"
)

// AddAPIKey adds a key to an account.
func (s *Store) AddAPIKey(ctx context.Context, key users.APIKey) error {
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		var id string
		// The lock makes the removal of the account wait, and then it finds this key; and another key, which counts it.
		err := tx.QueryRowContext(ctx, `SELECT id FROM users WHERE id = ?`+s.db.ForUpdate(), key.UserID).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return users.ErrNotFound
		}
		if err != nil {
			return err
		}
		var count int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM api_keys WHERE user_id = ?`, key.UserID).Scan(&count); err != nil {
			return err
		}
		if count >= users.MaxAPIKeys {
			return users.ErrTooMany
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO api_keys (`+keyColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			key.ID, key.UserID, key.Name, key.Hash[:], key.Hint,
			database.Micros(key.CreatedAt), database.Micros(key.UsedAt), database.Micros(key.ExpiresAt))
		return err
	})
	return named("add API key", err)
}

const keyColumns = `id, user_id, name, hash, hint, created_at, used_at, expires_at`

// APIKeys returns an account's keys, newest first.
func (s *Store) APIKeys(ctx context.Context, userID string) ([]users.APIKey, error) {
	keys, err := s.apiKeys(ctx, `WHERE user_id = ? ORDER BY created_at DESC, id DESC`, userID)
	return keys, named("list API keys", err)
}

// FindAPIKey returns the key with a hash.
func (s *Store) FindAPIKey(ctx context.Context, hash users.Hash) (users.APIKey, error) {
	keys, err := s.apiKeys(ctx, `WHERE hash = ?`, hash[:])
	if err != nil {
		return users.APIKey{}, named("find API key", err)
	}
	if len(keys) == 0 {
		return users.APIKey{}, users.ErrNoAPIKey
	}
	return keys[0], nil
}

func (s *Store) apiKeys(ctx context.Context, where string, args ...any) ([]users.APIKey, error) {
	rows, err := s.db.Query(ctx, `SELECT `+keyColumns+` FROM api_keys `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var keys []users.APIKey
	for rows.Next() {
		var key users.APIKey
		var hash []byte
		var made, used, expires int64
		if err := rows.Scan(&key.ID, &key.UserID, &key.Name, &hash, &key.Hint, &made, &used, &expires); err != nil {
			return nil, err
		}
		copy(key.Hash[:], hash)
		key.CreatedAt, key.UsedAt, key.ExpiresAt = database.Time(made), database.Time(used), database.Time(expires)
		keys = append(keys, key)
	}
	return keys, rows.Err()
}

// UseAPIKey notes when a key was used.
func (s *Store) UseAPIKey(ctx context.Context, id string, at time.Time) error {
	_, err := s.exec(ctx, `UPDATE api_keys SET used_at = ? WHERE id = ?`, database.Micros(at), id)
	return named("use API key", err)
}

// RemoveAPIKey removes a key of an account.
func (s *Store) RemoveAPIKey(ctx context.Context, userID, id string) error {
	err := s.change(ctx, "remove API key", `DELETE FROM api_keys WHERE id = ? AND user_id = ?`, id, userID)
	if errors.Is(err, users.ErrNotFound) {
		return users.ErrNoAPIKey
	}
	return err
}
