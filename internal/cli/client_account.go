package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/api/client"
)

// SignupCmd makes an account.
type SignupCmd struct {
	serverFlags
	emailArg
}

// LoginCmd gets a token and keeps it.
type LoginCmd struct {
	serverFlags
	emailArg
}

// emailArg names an account. The password is never an argument: those are seen by every user of a machine.
type emailArg struct {
	Email string `arg:"" placeholder:"EMAIL" help:"Your e-mail address. The password is asked for, or read from a line of input or from UNREEL_PASSWORD."`
}

// Run signs up and, since the password is at hand, logs in.
func (c *SignupCmd) Run(ctx context.Context, io *IO) error {
	r, credentials, err := c.identify(ctx, io, c.emailArg, true)
	if err != nil {
		return err
	}
	defer r.Close()
	user, err := client.Decode[api.User](r.CreateUser(ctx, credentials))
	if err != nil {
		return r.explain(err)
	}
	fmt.Fprintf(io.Out, "Signed up as %s.\n", printable(user.Email))
	return r.logIn(ctx, io, credentials)
}

// Run logs in.
func (c *LoginCmd) Run(ctx context.Context, io *IO) error {
	r, credentials, err := c.identify(ctx, io, c.emailArg, false)
	if err != nil {
		return err
	}
	defer r.Close()
	return r.logIn(ctx, io, credentials)
}

// identify finds out which server is meant and what the password is.
func (f serverFlags) identify(ctx context.Context, io *IO, account emailArg, twice bool) (*remote, api.Credentials, error) {
	r, err := f.anonymous()
	if err != nil {
		return nil, api.Credentials{}, err
	}
	email := strings.TrimSpace(account.Email)
	prompt := fmt.Sprintf("Password for %s at %s: ", printable(email), r.session.Server)
	password, err := readPassword(ctx, io, prompt, twice)
	return r, api.Credentials{Email: email, Password: password}, err
}

// logIn gets a token and stores it for the commands to come.
func (r *remote) logIn(ctx context.Context, io *IO, credentials api.Credentials) error {
	granted, err := client.Decode[api.Session](r.CreateSession(ctx, credentials))
	if err != nil {
		return r.explain(err)
	}
	stored := session{Server: r.session.Server, Email: credentials.Email}.with(granted)
	unlock, err := lockSession(ctx)
	if err != nil {
		return fmt.Errorf("store the log-in: %w", err)
	}
	defer unlock()
	if err := stored.save(); err != nil {
		return err
	}
	lasts := "until you log out, or do not come for 30 days"
	if stored.RefreshToken == "" {
		lasts = fmt.Sprintf("for %.0f minutes", (time.Duration(granted.ExpiresIn) * time.Second).Minutes())
	}
	fmt.Fprintf(io.Out, "Logged in to %s as %s %s.\n", stored.Server, printable(stored.Email), lasts)
	return nil
}

// LogoutCmd ends the session of the stored log-in and forgets it.
type LogoutCmd struct{}

// Run logs out. The log-in is forgotten even if the server cannot be told.
func (c *LogoutCmd) Run(ctx context.Context, io *IO) error {
	unlock, err := lockSession(ctx)
	if err != nil {
		return fmt.Errorf("log out: %w", err)
	}
	defer unlock()
	stored, err := loadSession()
	if forgotten := forgetSession(); forgotten != nil {
		return forgotten
	}
	if err != nil {
		return err
	}
	if stored.Token == "" {
		fmt.Fprintln(io.Out, "You are not logged in.")
		return nil
	}
	if err := stored.end(ctx); err != nil {
		return fmt.Errorf("the log-in is forgotten here, but the server could not end it: %w", err)
	}
	fmt.Fprintf(io.Out, "Logged out of %s.\n", stored.Server)
	return nil
}

// end tells the server that the session is over. A version without sessions, or without this one, has nothing to end.
func (s session) end(ctx context.Context) error {
	if s.RefreshToken == "" {
		return nil
	}
	r, err := newRemote(session{Server: s.Server})
	if err != nil {
		return err
	}
	defer r.Close()
	response, err := client.Check(r.DeleteSession(ctx, api.Refresh{RefreshToken: s.RefreshToken}))
	if err != nil {
		return r.explain(err)
	}
	return response.Body.Close()
}
