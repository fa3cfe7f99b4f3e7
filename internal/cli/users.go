package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/unreel/unreel/internal/app"
)

// UsersCmd administers accounts in the database itself, whether the services run or not.
type UsersCmd struct {
	Add     UsersAddCmd     `cmd:"" help:"Make an account."`
	List    UsersListCmd    `cmd:"" help:"List the accounts."`
	Passwd  UsersPasswdCmd  `cmd:"" help:"Give an account another password."`
	Promote UsersPromoteCmd `cmd:"" help:"Make an account an administrator's."`
	Demote  UsersDemoteCmd  `cmd:"" help:"Take that back."`
	Remove  UsersRemoveCmd  `cmd:"" help:"Remove an account and all of its conversions."`

	RotateKey UsersRotateKeyCmd `cmd:"" help:"Sign tokens with a new key."`
}

// databaseFlags says which database a command works on.
type databaseFlags struct {
	app.DataSettings
	app.DatabaseSettings
}

func (f databaseFlags) settings() app.Settings {
	return app.Settings{
		DataSettings: f.DataSettings, DatabaseSettings: f.DatabaseSettings,
		AdminSettings: app.AdminSettings{LogLevel: "warn"},
	}
}

// UsersAddCmd makes an account.
type UsersAddCmd struct {
	databaseFlags

	Email string `arg:"" help:"Its address."`
	Admin bool   `help:"Make it an administrator's."`
}

// Run makes it, with a password from the terminal, UNREEL_PASSWORD or a line of input.
func (c *UsersAddCmd) Run(ctx context.Context, io *IO) error {
	password, err := readPassword(ctx, io, "Password: ", true)
	if err != nil {
		return err
	}
	return app.WithUsers(ctx, c.settings(), io.Err, func(users *app.Users) error {
		user, err := users.Add(ctx, c.Email, password, c.Admin)
		if err != nil {
			return err
		}
		fmt.Fprintln(io.Out, user.ID, user.Email)
		return nil
	})
}

// UsersListCmd lists accounts.
type UsersListCmd struct {
	databaseFlags

	JSON bool `name:"json" help:"Print one JSON object a line."`
}

// Run prints one line for each.
func (c *UsersListCmd) Run(ctx context.Context, io *IO) error {
	show := printUser
	if c.JSON {
		show = printUserJSON
	}
	return app.WithUsers(ctx, c.settings(), io.Err, func(users *app.Users) error {
		return users.List(ctx, func(user app.User) error { return show(io.Out, user) })
	})
}

func printUser(out io.Writer, user app.User) error {
	role := "user"
	if user.Admin {
		role = "admin"
	}
	_, err := fmt.Fprintf(out, "%s  %s  %-5s  %s\n", user.ID, user.CreatedAt.Format(time.DateOnly), role, user.Email)
	return err
}

func printUserJSON(out io.Writer, user app.User) error {
	return json.NewEncoder(out).Encode(struct {
		ID        string    `json:"id"`
		Email     string    `json:"email"`
		Admin     bool      `json:"admin"`
		CreatedAt time.Time `json:"created_at"`
	}{user.ID, user.Email, user.Admin, user.CreatedAt})
}

// UsersPasswdCmd changes a password.
type UsersPasswdCmd struct {
	databaseFlags

	Email string `arg:"" help:"The account's address."`
}

// Run changes it.
func (c *UsersPasswdCmd) Run(ctx context.Context, io *IO) error {
	password, err := readPassword(ctx, io, "New password: ", true)
	if err != nil {
		return err
	}
	return app.WithUsers(ctx, c.settings(), io.Err, func(users *app.Users) error {
		return users.SetPassword(ctx, c.Email, password)
	})
}

// UsersPromoteCmd makes an administrator.
type UsersPromoteCmd struct {
	databaseFlags

	Email string `arg:"" help:"The account's address."`
}

// Run does it.
func (c *UsersPromoteCmd) Run(ctx context.Context, io *IO) error {
	return setAdmin(ctx, io, c.settings(), c.Email, true)
}

// UsersDemoteCmd unmakes one.
type UsersDemoteCmd struct {
	databaseFlags

	Email string `arg:"" help:"The account's address."`
}

// Run does it.
func (c *UsersDemoteCmd) Run(ctx context.Context, io *IO) error {
	return setAdmin(ctx, io, c.settings(), c.Email, false)
}

func setAdmin(ctx context.Context, io *IO, settings app.Settings, email string, admin bool) error {
	return app.WithUsers(ctx, settings, io.Err, func(users *app.Users) error {
		return users.SetAdmin(ctx, email, admin)
	})
}

// UsersRemoveCmd removes an account.
type UsersRemoveCmd struct {
	databaseFlags

	Email string `arg:"" help:"The account's address."`
}

// Run removes it.
func (c *UsersRemoveCmd) Run(ctx context.Context, io *IO) error {
	return app.WithUsers(ctx, c.settings(), io.Err, func(users *app.Users) error {
		return users.Remove(ctx, c.Email)
	})
}

// UsersRotateKeyCmd adds a key that signs tokens.
type UsersRotateKeyCmd struct {
	databaseFlags
}

// Run adds it, and says when it counts.
func (c *UsersRotateKeyCmd) Run(ctx context.Context, io *IO) error {
	return app.WithUsers(ctx, c.settings(), io.Err, func(users *app.Users) error {
		id, err := users.RotateKey(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(io.Out, "%s\nIt signs all new tokens ten minutes from now, when every service knows it. Older tokens stay good until they expire.\n", id)
		return nil
	})
}
