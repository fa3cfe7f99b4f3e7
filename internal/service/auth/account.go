package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/service/auth/client"
	"github.com/unreel/unreel/internal/service/auth/client/token"
	"github.com/unreel/unreel/internal/store/users"
)

// caller is who sent a request, as the database has them now.
type caller struct {
	user      users.User
	sessionID string // empty without a session
	key       bool   // came with an API key
}

// caller returns who sent a request: errNoToken, errKey or an error that wraps token.ErrInvalid if nobody did who has an
// account.
func (s *Service) caller(r *http.Request) (caller, error) {
	text, found := httpx.BearerToken(r)
	if found && client.IsAPIKey(text) {
		_, user, err := s.useKey(r.Context(), clientOf(r), text)
		return caller{user: user, key: true}, err
	}
	claims, err := s.bearer(r.Context(), r)
	if err != nil {
		return caller{}, err
	}
	if err := s.requireSession(r.Context(), claims.SessionID); err != nil {
		return caller{}, err
	}
	user, err := s.store.ByID(r.Context(), claims.Subject)
	if errors.Is(err, users.ErrNotFound) {
		return caller{}, fmt.Errorf("%w: its account has been removed", token.ErrInvalid)
	}
	return caller{user: user, sessionID: claims.SessionID}, err
}

// requireSession returns an error that wraps token.ErrInvalid if a token's session has ended: a thief whom another password has
// thrown out must not make a key with what is left of a token. Tokens of the original route have no session.
func (s *Service) requireSession(ctx context.Context, id string) error {
	if id == "" {
		return nil
	}
	goesOn, err := s.store.HasSession(ctx, id, time.Now())
	if err == nil && !goesOn {
		err = fmt.Errorf("%w: its session has ended", token.ErrInvalid)
	}
	return err
}

// person is caller for what an API key must not do.
func (s *Service) person(r *http.Request) (caller, error) {
	who, err := s.caller(r)
	if err == nil && who.key {
		err = client.NeedsLogIn()
	}
	return who, err
}

// changeAccount changes an account for its owner, who has to know the password. The session that asked for it stays.
func (s *Service) changeAccount(ctx context.Context, from string, who caller, asked client.AccountChange) (users.User, error) {
	change, err := checkChange(who.user, asked)
	if err != nil {
		return users.User{}, err
	}
	user, err := s.checkGuarded(ctx, from, who.user.Email, asked.CurrentPassword)
	if errors.Is(err, errCredentials) {
		return users.User{}, errCurrentPassword()
	}
	if err != nil {
		return users.User{}, err
	}
	change.OldHash = user.PasswordHash
	moves := change.Email != "" && change.Email != who.user.Email
	if moves {
		if err := s.mayMoveTo(ctx, from, change.Email); err != nil {
			return users.User{}, err
		}
	}
	if asked.Password != nil {
		if change.PasswordHash, err = s.accounts.hasher.hash(ctx, *asked.Password); err != nil {
			return users.User{}, err
		}
	}
	change.KeepSession = who.sessionID
	return s.applyChange(ctx, from, who.user, change, moves && s.config.Signup == SignupVerified)
}

// applyChange makes a change, or mails a link that changes the address, if that has to be confirmed. It returns the account as it is
// then.
func (s *Service) applyChange(ctx context.Context, from string, user users.User, change users.Change, confirm bool) (users.User, error) {
	address := change.Email
	if confirm {
		change.Email = ""
	}
	err := s.store.Change(ctx, user.ID, change)
	if errors.Is(err, users.ErrNotFound) {
		return users.User{}, errCurrentPassword() // it was, until this moment
	}
	if err != nil {
		return users.User{}, fmt.Errorf("change account: %w", err)
	}
	s.logger.InfoContext(ctx, "account changed by its owner", "user", user.ID,
		"address", change.Email != "", "password", change.PasswordHash != "", "client", from)
	if confirm { // only now, since another password ends what was asked for before
		if err := s.post(ctx, users.ChangeAddress, user.ID, address); err != nil {
			return users.User{}, err
		}
	}
	return s.store.ByID(ctx, user.ID)
}

// mayMoveTo returns an httpx.Problem if too many addresses were asked for, or if this one got too many mails, and users.ErrTaken
// where that is not left to the change itself, since this only follows when the address is confirmed.
func (s *Service) mayMoveTo(ctx context.Context, from, address string) error {
	if wait := s.addresses.take(time.Now(), bucketsOf(from, "")); wait > 0 {
		s.logger.WarnContext(ctx, "change of address refused, there were too many", "client", from)
		return addresses.tooMany(wait)
	}
	if s.config.Signup != SignupVerified {
		return nil
	}
	switch _, err := s.store.ByEmail(ctx, address); {
	case err == nil:
		return users.ErrTaken
	case !errors.Is(err, users.ErrNotFound):
		return fmt.Errorf("change address: %w", err)
	}
	if wait := s.mayMail(users.ChangeAddress, address); wait > 0 {
		return mailed.tooMany(wait)
	}
	return nil
}

// checkChange returns a change with the new address, or an InvalidError.
func checkChange(user users.User, asked client.AccountChange) (users.Change, error) {
	var fields []httpx.FieldError
	var change users.Change
	address := user.Email
	if asked.Email != nil {
		normalized, err := users.NormalizeEmail(*asked.Email)
		if err != nil {
			fields = append(fields, httpx.FieldError{Field: "email", Detail: err.Error()})
		}
		change.Email, address = normalized, normalized
	}
	if asked.Password != nil {
		if detail := checkPassword(*asked.Password, address); detail != "" {
			fields = append(fields, httpx.FieldError{Field: "password", Detail: detail})
		}
	}
	if asked.Email == nil && asked.Password == nil {
		fields = append(fields, httpx.FieldError{Field: "email", Detail: "or password must be there, or nothing would change"})
	}
	if asked.CurrentPassword == "" {
		fields = append(fields, httpx.FieldError{Field: "current_password", Detail: "is required"})
	}
	if len(fields) > 0 {
		return users.Change{}, &InvalidError{fields}
	}
	return change, nil
}

func errCurrentPassword() error {
	return invalidField("current_password", "is not this account's password")
}

func invalidField(field, detail string) error {
	return &InvalidError{[]httpx.FieldError{{Field: field, Detail: detail}}}
}
