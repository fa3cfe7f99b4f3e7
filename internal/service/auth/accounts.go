package auth

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/store/users"
)

// InvalidError says which fields of a new account, or of a change to one, are not as they must be.
type InvalidError struct {
	Fields []httpx.FieldError
}

// Error names each field and the remedy.
func (e *InvalidError) Error() string {
	details := make([]string, len(e.Fields))
	for i, field := range e.Fields {
		details[i] = field.Field + " " + field.Detail
	}
	return strings.Join(details, "; ")
}

// Accounts makes and changes accounts, for the service and for whoever administers it. Where an account is
// named by an address that none has, the error wraps users.ErrNotFound.
type Accounts struct {
	store  users.Store
	hasher *hasher
	logger *slog.Logger
}

// NewAccounts makes an Accounts over a store.
func NewAccounts(store users.Store, logger *slog.Logger) *Accounts {
	return &Accounts{store, newHasher(currentCost, runtime.GOMAXPROCS(0)), logger}
}

// Add makes an account, whose address is taken for its holder's. The error is an InvalidError if the address or the
// password will not do, and wraps users.ErrTaken if the address has an account.
func (a *Accounts) Add(ctx context.Context, email, password string, admin bool) (users.User, error) {
	return a.add(ctx, email, password, users.User{Admin: admin, Verified: true})
}

// add completes an account and makes it.
func (a *Accounts) add(ctx context.Context, email, password string, user users.User) (users.User, error) {
	address, err := checkAccount(email, password)
	if err != nil {
		return users.User{}, err
	}
	hash, err := a.hasher.hash(ctx, password)
	if err != nil {
		return users.User{}, err
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	user.ID, user.Email, user.PasswordHash, user.CreatedAt = string(conversion.NewID(now)), address, hash, now
	if err := a.store.Create(ctx, user); err != nil {
		return users.User{}, fmt.Errorf("add account: %w", err)
	}
	a.logger.InfoContext(ctx, "account added", "user", user.ID, "address", mask(address), "admin", user.Admin)
	return user, nil
}

// listPage is how many accounts are read at once.
const listPage = 500

// List calls visit for each account in the order of their addresses, until it returns an error.
func (a *Accounts) List(ctx context.Context, visit func(users.User) error) error {
	for after := ""; ; {
		page, err := a.store.List(ctx, after, listPage)
		if err != nil {
			return fmt.Errorf("list accounts: %w", err)
		}
		for _, user := range page {
			if err := visit(user); err != nil {
				return err
			}
			after = user.Email
		}
		if len(page) < listPage {
			return nil
		}
	}
}

// SetPassword gives an account another password and ends its sessions, or returns an InvalidError.
func (a *Accounts) SetPassword(ctx context.Context, email, password string) error {
	address, err := checkAccount(email, password)
	if err != nil {
		return err
	}
	hash, err := a.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return a.change(ctx, address, "password", func(user users.User) error {
		return a.store.Change(ctx, user.ID, users.Change{PasswordHash: hash})
	})
}

// SetAdmin makes an account an administrator's, or no longer one's. Tokens that are out say so until they
// expire, in a quarter of an hour.
func (a *Accounts) SetAdmin(ctx context.Context, email string, admin bool) error {
	return a.change(ctx, email, "administrator", func(user users.User) error {
		return a.store.SetAdmin(ctx, user.ID, admin)
	})
}

// Remove removes an account and its sessions.
func (a *Accounts) Remove(ctx context.Context, email string) error {
	return a.change(ctx, email, "removed", func(user users.User) error {
		return a.store.Delete(ctx, user.ID)
	})
}

func (a *Accounts) change(ctx context.Context, email, change string, do func(users.User) error) error {
	user, err := a.Find(ctx, email)
	if err != nil {
		return err
	}
	if err := do(user); err != nil {
		return fmt.Errorf("change account: %w", err)
	}
	a.logger.InfoContext(ctx, "account changed", "change", change, "user", user.ID, "address", mask(user.Email))
	return nil
}

// Find returns the account that has an address.
func (a *Accounts) Find(ctx context.Context, email string) (users.User, error) {
	address, err := users.NormalizeEmail(email)
	if err != nil {
		return users.User{}, &InvalidError{[]httpx.FieldError{{Field: "email", Detail: err.Error()}}}
	}
	user, err := a.store.ByEmail(ctx, address)
	if err != nil {
		return users.User{}, fmt.Errorf("find account: %w", err)
	}
	return user, nil
}

// RotateKey adds a key, which signs all tokens from ten minutes on. The older ones stay good.
func (a *Accounts) RotateKey(ctx context.Context) (id string, err error) {
	key := newKey(time.Now())
	if err := a.store.AddKey(ctx, key); err != nil {
		return "", fmt.Errorf("rotate key: %w", err)
	}
	a.logger.InfoContext(ctx, "signing key added", "key", key.ID)
	return key.ID, nil
}

// mask shows enough of an address to recognise one's own.
func mask(address string) string {
	for i := range address {
		if i > 0 {
			_, domain, _ := strings.Cut(address, "@")
			return address[:i] + "…@" + domain
		}
	}
	return ""
}
