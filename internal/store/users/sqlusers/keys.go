package sqlusers

import (
	"context"
	"database/sql"

	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/internal/store/users"
)

// Keys returns the signing keys, newest first, after storing the offered one if there was none.
func (s *Store) Keys(ctx context.Context, offer users.Key) ([]users.Key, error) {
	keys, err := s.keys(ctx)
	if err != nil || len(keys) > 0 {
		return keys, err
	}
	founder := 1
	// A duplicate means that another process was first, and then its key is the one.
	if err := s.insertKey(ctx, offer, &founder); err != nil && !s.db.IsDuplicate(err) {
		return nil, named("store the first signing key", err)
	}
	return s.keys(ctx)
}

// AddKey adds a signing key.
func (s *Store) AddKey(ctx context.Context, key users.Key) error {
	return named("add signing key", s.insertKey(ctx, key, nil))
}

func (s *Store) insertKey(ctx context.Context, key users.Key, founder *int) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx,
			`INSERT INTO signing_keys (id, seed, created_at, founder) VALUES (?, ?, ?, ?)`,
			key.ID, key.Seed, database.Micros(key.CreatedAt), founder)
		return err
	})
}

func (s *Store) keys(ctx context.Context) ([]users.Key, error) {
	rows, err := s.db.Query(ctx, `SELECT id, seed, created_at FROM signing_keys ORDER BY created_at DESC, id`)
	if err != nil {
		return nil, named("read signing keys", err)
	}
	defer rows.Close()
	var keys []users.Key
	for rows.Next() {
		var key users.Key
		var created int64
		if err := rows.Scan(&key.ID, &key.Seed, &created); err != nil {
			return nil, named("read signing keys", err)
		}
		key.CreatedAt = database.Time(created)
		keys = append(keys, key)
	}
	return keys, named("read signing keys", rows.Err())
}
