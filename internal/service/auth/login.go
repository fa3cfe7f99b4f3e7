package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/unreel/unreel/internal/store/users"
)

// errCredentials says that no account has this address and this password, and not which of the two is wrong.
var errCredentials = errors.New("invalid credentials")

// logIn returns the account with an address and a password, or errCredentials, or errNotVerified, or an httpx.Problem if
// too many have failed. The parameter from is the client's address, or empty.
func (s *Service) logIn(ctx context.Context, from, email, password string) (users.User, error) {
	address, err := users.NormalizeEmail(email)
	if err != nil {
		address = ""
	}
	user, err := s.checkGuarded(ctx, from, address, password)
	if err == nil {
		err = s.requireVerified(ctx, user)
	}
	if err == nil {
		s.logger.InfoContext(ctx, "logged in", "user", user.ID, "client", from)
	}
	return user, err
}

// checkGuarded checks a password as often as logIns allows; errors are those of logIn.
func (s *Service) checkGuarded(ctx context.Context, from, address, password string) (users.User, error) {
	buckets := bucketsOf(from, address)
	if wait := s.logIns.take(time.Now(), buckets); wait > 0 {
		s.logger.WarnContext(ctx, "log-in refused, too many have failed", "address", mask(address), "client", from)
		return users.User{}, logIns.tooMany(wait)
	}
	user, err := s.check(ctx, address, password)
	if !errors.Is(err, errCredentials) {
		s.logIns.giveBack(buckets)
	}
	if errors.Is(err, errCredentials) {
		s.logger.WarnContext(ctx, "log-in failed", "user", user.ID, "address", mask(address), "client", from)
	}
	return user, err
}

// check looks for the account and checks the password. Without an account, a hash that nothing matches is
// checked, so that the time that it takes does not tell who has one.
func (s *Service) check(ctx context.Context, address, password string) (users.User, error) {
	user, err := s.store.ByEmail(ctx, address)
	known := err == nil
	switch {
	case errors.Is(err, users.ErrNotFound):
		user.PasswordHash = s.accounts.hasher.dummy
	case err != nil:
		return users.User{}, fmt.Errorf("find account: %w", err)
	}
	if len(password) > maxPassword {
		password = ""
	}
	match, stale, err := s.accounts.hasher.verify(ctx, user.PasswordHash, password)
	switch {
	case err != nil:
		return users.User{}, fmt.Errorf("check password: %w", err)
	case !match || !known:
		return user, errCredentials
	}
	if stale {
		user.PasswordHash = s.rehash(ctx, user, password)
	}
	return user, nil
}

// rehash stores a password's hash at today's cost and returns the one that is stored now. If that fails, the next log-in
// will do.
func (s *Service) rehash(ctx context.Context, user users.User, password string) (stored string) {
	hash, err := s.accounts.hasher.hash(ctx, password)
	if err == nil {
		err = s.store.ReplacePassword(ctx, user.ID, user.PasswordHash, hash)
	}
	if err != nil {
		s.logger.WarnContext(ctx, "password not hashed anew", "user", user.ID, "error", err)
		return user.PasswordHash
	}
	return hash
}
