// Package users is the contract for what keeps accounts, their sessions and the keys that sign their tokens.
//
// Every backend passes the suite in userstest.
package users

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

var (
	// ErrNotFound says that there is no such account.
	ErrNotFound = errors.New("no such user")
	// ErrTaken says that another account has this address.
	ErrTaken = errors.New("address is taken")
)

// User is an account.
type User struct {
	ID           string // 24 hex digits; a token's "sub"
	Email        string // normalised by NormalizeEmail; a token's "username"
	PasswordHash string // PHC string (https://github.com/P-H-C/phc-string-format)
	Admin        bool
	Verified     bool // the address was shown to be its holder's
	CreatedAt    time.Time
}

// Change is what becomes different in an account. What is empty stays.
type Change struct {
	OldHash      string // of the password that it must still have
	Email        string // normalised; another one counts as not verified
	PasswordHash string // other sessions and links end with the old one
	KeepSession  string // the id of a session that does not
}

// Key signs access tokens.
type Key struct {
	ID        string // a JWK's "kid"
	Seed      []byte // of an Ed25519 key (RFC 8032), 32 bytes
	CreatedAt time.Time
}

// Store keeps accounts. All methods may be called concurrently.
type Store interface {
	Sessions
	APIKeys
	Letters

	// Create adds an account, or returns ErrTaken.
	Create(ctx context.Context, user User) error
	// ByID and ByEmail return ErrNotFound if there is none. The address must be normalised.
	ByID(ctx context.Context, id string) (User, error)
	ByEmail(ctx context.Context, email string) (User, error)
	// List returns accounts in the order of their addresses, at most limit of them, that come after the
	// given address ("" for the first).
	List(ctx context.Context, after string, limit int) ([]User, error)
	// Change changes one account, all of it or nothing. It returns ErrNotFound, also for another OldHash, or ErrTaken for the address. With the
	// password it ends what anybody may have begun who knew the old one: sessions, and mailed tokens and letters for
	// another password or address.
	Change(ctx context.Context, id string, change Change) error
	// ReplacePassword does so only if the hash is still the old one, and else returns ErrNotFound: for hashing
	// a password anew at a log-in, which must not undo a change of password that happens meanwhile.
	ReplacePassword(ctx context.Context, id, oldHash, newHash string) error
	// SetAdmin changes one account, or returns ErrNotFound.
	SetAdmin(ctx context.Context, id string, admin bool) error
	// Delete removes an account with its sessions, API keys, letters and mail tokens, or returns ErrNotFound.
	Delete(ctx context.Context, id string) error
	// Keys returns the signing keys, newest first. If there is none, the offered key is
	// stored first; of several processes that offer one at once, all get the same.
	Keys(ctx context.Context, offer Key) ([]Key, error)
	// AddKey adds a signing key. The older ones stay, for tokens that they signed are still in use.
	AddKey(ctx context.Context, key Key) error
	// Check returns nil when the store can be used, and else says in words why not.
	Check(ctx context.Context) error
}

// maxEmail is the longest address that can be mailed (RFC 5321, 4.5.3.1.3).
const maxEmail = 254

// NormalizeEmail returns the one spelling under which an address is stored and looked up: no surrounding
// space, all lower case. The error says what is wrong with the address.
func NormalizeEmail(text string) (string, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	if len(text) > maxEmail {
		return "", fmt.Errorf("must be at most %d bytes", maxEmail)
	}
	address, err := mail.ParseAddress(text)
	if err != nil || address.Address != text || strings.ContainsFunc(text, unreadable) {
		return "", errors.New("must be an e-mail address like ada@example.com")
	}
	return text, nil
}

// unreadable finds what no address has, and what two broken spellings would both be turned into.
func unreadable(r rune) bool {
	return unicode.IsControl(r) || r == utf8.RuneError
}
