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
	life := time.Duration(granted.ExpiresIn) * time.Second
	stored := session{
		Server: r.session.Server, Email: credentials.Email, Token: granted.AccessToken,
		ExpiresAt: time.Now().Add(life).UTC().Truncate(time.Second),
	}
	if err := stored.save(); err != nil {
		return err
	}
	fmt.Fprintf(io.Out, "Logged in to %s as %s for %.0f minutes.\n", stored.Server, printable(stored.Email), life.Minutes())
	return nil
}
