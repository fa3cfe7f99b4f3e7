package users

import (
	"context"
	"errors"
	"time"
)

// ErrNoMailToken says that no token that is still good was mailed like this.
var ErrNoMailToken = errors.New("no such mail token")

// Purpose is what a mail to the holder of an account is for.
type Purpose string

// The purposes.
const (
	ResetPassword Purpose = "reset"  // to choose another password without the old one
	VerifyAddress Purpose = "verify" // to show that the account's address is its holder's
	ChangeAddress Purpose = "change" // to show that about another address, which becomes the account's
)

// Letter is a mail that is to be written: an entry of the outbox. Whether there is an account for it is found out when
// it is written, so that nobody who asks for one can tell.
type Letter struct {
	ID        string // 24 hex digits
	Purpose   Purpose
	UserID    string // empty: whoever has the address
	Address   string // where it goes, normalised
	CreatedAt time.Time
}

// MailToken is what a letter carries. Whoever shows it has read that mail.
type MailToken struct {
	Hash      Hash
	Purpose   Purpose
	UserID    string
	Address   string // where it was mailed to
	ExpiresAt time.Time
}

// Letters is the part of a Store that keeps mails to be written, and what was mailed. Times are the caller's.
type Letters interface {
	// AddLetter adds a letter that is due at once.
	AddLetter(ctx context.Context, letter Letter) error
	// ClaimLetters returns up to limit letters that are due, oldest first, and makes them due again at a later time. No two
	// callers get the same one.
	ClaimLetters(ctx context.Context, now, until time.Time, limit int) ([]Letter, error)
	// RemoveLetter removes a letter. That there is none is no error.
	RemoveLetter(ctx context.Context, id string) error

	// AddMailToken adds a token to an account.
	AddMailToken(ctx context.Context, token MailToken) error
	// ResetByMail gives the account of a ResetPassword token another password, with all that Change ends then, and takes its
	// address as confirmed. It returns the account's id, or ErrNoMailToken; also where the account has another
	// address by now.
	ResetByMail(ctx context.Context, hash Hash, passwordHash string, now time.Time) (userID string, err error)
	// VerifyByMail takes an account's address as confirmed by a VerifyAddress token, which stays good for a second time, or
	// makes that of a ChangeAddress token the account's. It returns the account's id, or ErrNoMailToken, or ErrTaken.
	VerifyByMail(ctx context.Context, hash Hash, now time.Time) (userID string, err error)
	// CollectMailTokens removes tokens that have expired, at most limit of them, and returns how many.
	CollectMailTokens(ctx context.Context, now time.Time, limit int) (int, error)
}
