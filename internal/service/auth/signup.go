package auth

import (
	"context"
	"errors"
	"time"

	"github.com/unreel/unreel/internal/store/users"
)

// signUp makes an account for whoever asks, or returns what Accounts.Add does, or an httpx.Problem if too many were
// asked for. The parameter from is the client's address, or empty.
func (s *Service) signUp(ctx context.Context, from, email, password string) (users.User, error) {
	buckets := bucketsOf(from, "")
	if wait := s.signUps.take(time.Now(), buckets); wait > 0 {
		s.logger.WarnContext(ctx, "sign-up refused, there were too many", "client", from)
		return users.User{}, signUps.tooMany(wait)
	}
	user, err := s.accounts.add(ctx, email, password, users.User{Verified: false})
	// A form that was filled in badly costs nothing; that an address is taken is worth something to who collects those.
	if err != nil && !errors.Is(err, users.ErrTaken) {
		s.signUps.giveBack(buckets)
	}
	if err != nil {
		return users.User{}, err
	}
	// Who never gets the mail for it is sent another at the log-in.
	if err := s.requireVerified(ctx, user); err != nil && !errors.Is(err, errNotVerified) {
		s.logger.ErrorContext(ctx, "mail not asked for, the log-in will do", "user", user.ID, "error", err)
	}
	return user, nil
}
