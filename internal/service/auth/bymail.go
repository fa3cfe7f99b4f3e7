package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/store/users"
)

// errNotVerified says that an account's address has to be confirmed before it can be used.
var errNotVerified = errors.New("address is not confirmed")

// askForReset mails a link for another password to an address, if that has an account. Nothing that it does, nor how long
// it takes, depends on whether it has. The parameter from is the client's address, or empty.
func (s *Service) askForReset(ctx context.Context, from, email string) error {
	address, err := users.NormalizeEmail(email)
	if err != nil {
		return invalidField("email", err.Error())
	}
	if wait := s.asked.take(time.Now(), bucketsOf(from, "")); wait > 0 {
		s.logger.WarnContext(ctx, "mail refused, too many were asked for", "client", from)
		return asked.tooMany(wait)
	}
	if wait := s.mayMail(users.ResetPassword, address); wait > 0 {
		return mailed.tooMany(wait)
	}
	return s.post(ctx, users.ResetPassword, "", address)
}

// resetByMail gives the account of a mailed token another password, or returns users.ErrNoMailToken or an InvalidError. A
// password that will not do does not spend the token.
func (s *Service) resetByMail(ctx context.Context, from, text, password string) error {
	if detail := checkPassword(password, ""); detail != "" {
		return invalidField("password", detail)
	}
	return s.byMail(ctx, from, "reset", func(now time.Time) (string, error) {
		hash, err := s.accounts.hasher.hash(ctx, password)
		if err != nil {
			return "", err
		}
		return s.store.ResetByMail(ctx, sha256.Sum256([]byte(text)), hash, now)
	})
}

// verifyByMail confirms the address that a token was mailed to, or returns users.ErrNoMailToken or users.ErrTaken.
func (s *Service) verifyByMail(ctx context.Context, from, text string) error {
	return s.byMail(ctx, from, "verification", func(now time.Time) (string, error) {
		return s.store.VerifyByMail(ctx, sha256.Sum256([]byte(text)), now)
	})
}

// byMail uses a token, as often as links allows for those that are not good.
func (s *Service) byMail(ctx context.Context, from, purpose string, use func(now time.Time) (userID string, err error)) error {
	buckets := bucketsOf(from, "")
	if wait := s.links.take(time.Now(), buckets); wait > 0 {
		return links.tooMany(wait)
	}
	userID, err := use(time.Now())
	if !errors.Is(err, users.ErrNoMailToken) {
		s.links.giveBack(buckets)
	}
	if err != nil {
		return fmt.Errorf("use a mailed token: %w", err)
	}
	s.logger.InfoContext(ctx, "mailed token used", "for", purpose, "user", userID, "client", from)
	return nil
}

// requireVerified returns errNotVerified for an account that has to confirm its address first, and mails it the link, unless that
// has been done just now: who signs up logs in at once.
func (s *Service) requireVerified(ctx context.Context, user users.User) error {
	if s.config.Signup != SignupVerified || user.Verified {
		return nil
	}
	if s.reminders.take(time.Now(), []string{user.Email}) == 0 && s.mayMail(users.VerifyAddress, user.Email) == 0 {
		if err := s.post(ctx, users.VerifyAddress, user.ID, user.Email); err != nil {
			return err
		}
	}
	return errNotVerified
}

// mayMail counts a mail to an address, or returns how long to wait with it.
func (s *Service) mayMail(purpose users.Purpose, address string) (wait time.Duration) {
	return s.mailed.take(time.Now(), []string{string(purpose) + " " + address})
}

// noMail is the problem of a service that has no mail server.
func noMail() httpx.Problem {
	return httpx.NewProblem(http.StatusForbidden, "no-mail", "This service sends no such mails", "Ask its operator for another password.")
}
