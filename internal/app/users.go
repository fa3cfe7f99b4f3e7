package app

import (
	"context"
	"fmt"
	"io"

	"github.com/unreel/unreel/internal/service/auth"
	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/internal/store/ledger"
	"github.com/unreel/unreel/internal/store/ledger/sqlledger"
	"github.com/unreel/unreel/internal/store/users"
	"github.com/unreel/unreel/internal/store/users/sqlusers"
)

// User is an account, as whoever administers it sees it.
type User = users.User

// Users administers accounts.
type Users struct {
	*auth.Accounts

	ledger *ledger.Ledger
}

// WithUsers opens the accounts of the settings' database for use. The services may run meanwhile.
func WithUsers(ctx context.Context, settings Settings, logs io.Writer, use func(*Users) error) error {
	if err := settings.completeDatabase(); err != nil {
		return err
	}
	logger, err := newLogger(settings, logs)
	if err != nil {
		return err
	}
	return withDatabase(ctx, settings, func(db *database.DB) error {
		return use(&Users{
			Accounts: auth.NewAccounts(sqlusers.New(db), logger),
			ledger:   ledger.New(sqlledger.New(db), ledger.DefaultConfig()),
		})
	})
}

// Remove removes an account with all of its conversions; their files follow while the services run.
func (u *Users) Remove(ctx context.Context, email string) error {
	user, err := u.Find(ctx, email)
	if err != nil {
		return err
	}
	if _, err := u.ledger.Close(ctx, user.ID); err != nil {
		return fmt.Errorf("remove conversions: %w", err)
	}
	return u.Accounts.Remove(ctx, email)
}
