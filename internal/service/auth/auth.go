// Package auth is the service that knows who somebody is: it makes accounts, checks passwords and signs the
// tokens that the other services believe. Those check tokens themselves, so only signing up,
// logging in and out, and going on with a session wait for it.
package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/unreel/unreel/internal/mail"
	"github.com/unreel/unreel/internal/service/auth/client/token"
	"github.com/unreel/unreel/internal/store/users"
)

// Who may sign up.
const (
	SignupOpen     = "open"     // anybody
	SignupVerified = "verified" // anybody, who has to confirm the address by mail before logging in
	SignupClosed   = "closed"   // nobody; an administrator adds accounts
)

// DefaultIssuer is who signs tokens unless the Config says otherwise.
const DefaultIssuer = "unreel"

// Config is how the service works.
type Config struct {
	Issuer    string // tokens' "iss"
	Signup    string // UNREEL_SIGNUP: SignupOpen, SignupVerified or SignupClosed
	RateLimit bool   // UNREEL_RATE_LIMIT: slow down whoever guesses passwords or floods with accounts
	PublicURL string // UNREEL_PUBLIC_URL: what links in mails begin with
}

// DefaultConfig is open to everybody but those who guess.
func DefaultConfig() Config {
	return Config{Issuer: DefaultIssuer, Signup: SignupOpen, RateLimit: true}
}

// Validate names the first setting that cannot work.
func (c Config) Validate() error {
	switch {
	case c.Signup != SignupOpen && c.Signup != SignupVerified && c.Signup != SignupClosed:
		return fmt.Errorf("UNREEL_SIGNUP is %q: must be open, verified or closed", c.Signup)
	case c.Issuer == "":
		return errors.New("the tokens' issuer must not be empty")
	}
	return nil
}

// Service is the service. It needs no database to start: signing keys are made or read when they are first
// needed.
type Service struct {
	config    Config
	store     users.Store
	accounts  *Accounts
	keys      *keyring
	logIns    *limiter
	signUps   *limiter
	addresses *limiter
	refreshes *limiter
	apiKeys   *limiter
	asked     *limiter
	mailed    *limiter
	reminders *limiter
	links     *limiter
	mail      mail.Sender   // nil without a mail server
	posted    chan struct{} // has room for one token, which wakes Run
	logger    *slog.Logger
}

// New makes a Service. Without a sender, which may be nil, nobody can get another password by mail, nor sign up where
// addresses have to be confirmed.
func New(config Config, store users.Store, sender mail.Sender, logger *slog.Logger) (*Service, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if config.Signup == SignupVerified && sender == nil {
		return nil, errors.New("UNREEL_SIGNUP is \"verified\": that needs UNREEL_MAIL")
	}
	service := &Service{
		config: config, store: store, logger: logger, mail: sender, posted: make(chan struct{}, 1),
		accounts: NewAccounts(store, logger),
		keys:     &keyring{store: store, logger: logger},
	}
	if config.RateLimit {
		service.logIns, service.signUps = newLimiter(logIns), newLimiter(signUps)
		service.addresses, service.reminders = newLimiter(addresses), newLimiter(reminders)
		service.refreshes, service.apiKeys = newLimiter(refreshes), newLimiter(apiKeys)
		service.asked, service.mailed, service.links = newLimiter(asked), newLimiter(mailed), newLimiter(links)
	}
	return service, nil
}

// Accounts administers the service's accounts.
func (s *Service) Accounts() *Accounts { return s.accounts }

// sign makes a token for an account, of a session if the id is not empty.
func (s *Service) sign(ctx context.Context, user users.User, sessionID string) (string, error) {
	key, err := s.keys.signer(ctx)
	if err != nil {
		return "", err
	}
	claims := token.New(s.config.Issuer, user.ID, user.Email, user.Admin, time.Now())
	claims.SessionID = sessionID
	return token.Sign(claims, key.id, key.private)
}
