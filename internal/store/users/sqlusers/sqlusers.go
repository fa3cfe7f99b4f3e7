// Package sqlusers keeps accounts in SQL, in SQLite alone and in MySQL in a cluster, by the same statements.
package sqlusers

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"

	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/internal/store/users"
)

//go:embed migrations
var migrations embed.FS

// Store implements users.Store.
type Store struct {
	db *database.DB
}

var _ users.Store = (*Store)(nil)

// New makes a store over a database that its caller opened and closes.
func New(db *database.DB) *Store {
	return &Store{db: db}
}

// Migrate creates or upgrades the tables.
func (s *Store) Migrate(ctx context.Context) error {
	return s.db.Migrate(ctx, "users", migrations)
}

// Schema returns how far the tables have been migrated, and how far Migrate would bring them.
func (s *Store) Schema(ctx context.Context) (applied, wanted int64, err error) {
	return s.db.Schema(ctx, "users", migrations)
}

// Check returns nil when the database answers.
func (s *Store) Check(ctx context.Context) error {
	return s.db.Check(ctx)
}

// Create adds an account, or returns users.ErrTaken.
func (s *Store) Create(ctx context.Context, user users.User) error {
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx,
			`INSERT INTO users (`+columns+`) VALUES (?, ?, ?, ?, ?, ?)`,
			user.ID, user.Email, user.PasswordHash, user.Admin, user.Verified, database.Micros(user.CreatedAt))
		return err
	})
	if s.db.IsDuplicate(err) {
		return users.ErrTaken
	}
	return named("create user", err)
}

const columns = `id, email, password_hash, admin, verified, created_at`

// ByID returns the account with an id.
func (s *Store) ByID(ctx context.Context, id string) (users.User, error) {
	return s.one(ctx, "find user by id", `SELECT `+columns+` FROM users WHERE id = ?`, id)
}

// ByEmail returns the account with a normalised address.
func (s *Store) ByEmail(ctx context.Context, email string) (users.User, error) {
	return s.one(ctx, "find user by address", `SELECT `+columns+` FROM users WHERE email = ?`, email)
}

func (s *Store) one(ctx context.Context, operation, query, key string) (users.User, error) {
	var user users.User
	var created int64
	err := s.db.QueryRow(ctx, query, []any{key}, fields(&user, &created)...)
	if errors.Is(err, sql.ErrNoRows) {
		return users.User{}, users.ErrNotFound
	}
	if err != nil {
		return users.User{}, named(operation, err)
	}
	user.CreatedAt = database.Time(created)
	return user, nil
}

// fields is where the columns are scanned into.
func fields(user *users.User, created *int64) []any {
	return []any{&user.ID, &user.Email, &user.PasswordHash, &user.Admin, &user.Verified, created}
}

// List returns accounts in the order of their addresses.
func (s *Store) List(ctx context.Context, after string, limit int) ([]users.User, error) {
	rows, err := s.db.Query(ctx,
		`SELECT `+columns+` FROM users WHERE email > ? ORDER BY email LIMIT ?`, after, limit)
	if err != nil {
		return nil, named("list users", err)
	}
	defer rows.Close()
	var list []users.User
	for rows.Next() {
		var user users.User
		var created int64
		if err := rows.Scan(fields(&user, &created)...); err != nil {
			return nil, named("list users", err)
		}
		user.CreatedAt = database.Time(created)
		list = append(list, user)
	}
	return list, named("list users", rows.Err())
}

// Change changes one account's address or password.
func (s *Store) Change(ctx context.Context, id string, change users.Change) error {
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		// MySQL sets columns in this order, and the first is to see the address as it was.
		err := changeOne(ctx, tx, `UPDATE users SET verified = CASE WHEN ? IN ('', email) THEN verified ELSE 0 END,
			email = COALESCE(NULLIF(?, ''), email), password_hash = COALESCE(NULLIF(?, ''), password_hash)
			WHERE id = ? AND ? IN ('', password_hash)`,
			change.Email, change.Email, change.PasswordHash, id, change.OldHash)
		if err != nil || change.PasswordHash == "" {
			return err
		}
		return endOthers(ctx, tx, id, change.KeepSession)
	})
	if s.db.IsDuplicate(err) {
		return users.ErrTaken
	}
	return named("change user", err)
}

// endOthers ends what anybody has begun who knew an account's password before: its sessions but for one, links that give it
// another password or address, and mails that are to carry those.
func endOthers(ctx context.Context, tx *sql.Tx, userID, keepSession string) error {
	for _, end := range []struct {
		statement string
		stays     any
	}{
		{`DELETE FROM sessions WHERE user_id = ? AND id <> ?`, keepSession},
		{`DELETE FROM mail_tokens WHERE user_id = ? AND purpose <> ?`, users.VerifyAddress},
		{`DELETE FROM letters WHERE user_id = ? AND purpose <> ?`, users.VerifyAddress},
	} {
		if _, err := tx.ExecContext(ctx, end.statement, userID, end.stays); err != nil {
			return err
		}
	}
	return nil
}

// ReplacePassword changes one account's password hash if it is still the given one.
func (s *Store) ReplacePassword(ctx context.Context, id, oldHash, newHash string) error {
	return s.change(ctx, "replace password",
		`UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ?`, newHash, id, oldHash)
}

// SetAdmin makes one account an administrator, or no longer one.
func (s *Store) SetAdmin(ctx context.Context, id string, admin bool) error {
	return s.change(ctx, "set admin", `UPDATE users SET admin = ? WHERE id = ?`, admin, id)
}

// Delete removes an account with all that is its.
func (s *Store) Delete(ctx context.Context, id string) error {
	err := s.db.Write(ctx, func(tx *sql.Tx) error {
		if err := changeOne(ctx, tx, `DELETE FROM users WHERE id = ?`, id); err != nil {
			return err
		}
		for _, table := range []string{"sessions", "api_keys", "letters", "mail_tokens"} {
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE user_id = ?`, id); err != nil {
				return err
			}
		}
		return nil
	})
	return named("delete user", err)
}

// change runs a statement that must find one row, or returns users.ErrNotFound.
func (s *Store) change(ctx context.Context, operation, statement string, args ...any) error {
	err := s.db.Write(ctx, func(tx *sql.Tx) error { return changeOne(ctx, tx, statement, args...) })
	return named(operation, err)
}

// exec runs one statement and returns how many rows it has changed.
func (s *Store) exec(ctx context.Context, statement string, args ...any) (changed int64, err error) {
	err = s.db.Write(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, statement, args...)
		if err == nil {
			changed, err = result.RowsAffected()
		}
		return err
	})
	return changed, err
}

func changeOne(ctx context.Context, tx *sql.Tx, statement string, args ...any) error {
	result, err := tx.ExecContext(ctx, statement, args...)
	if err != nil {
		return err
	}
	found, err := result.RowsAffected()
	if err == nil && found == 0 {
		return users.ErrNotFound
	}
	return err
}

func named(operation string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", operation, err)
}
