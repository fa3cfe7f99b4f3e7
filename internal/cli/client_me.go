package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/api/client"
)

// AccountCmd is about one's own account.
type AccountCmd struct {
	Show   AccountShowCmd   `cmd:"" default:"withargs" help:"Show it, what you have there, and what is allowed (default)."`
	Passwd AccountPasswdCmd `cmd:"" help:"Choose another password."`
	Email  AccountEmailCmd  `cmd:"" help:"Change its address."`
	Delete AccountDeleteCmd `cmd:"" help:"Remove it with everything that is yours."`
}

// AccountShowCmd shows it.
type AccountShowCmd struct {
	serverFlags
	JSON bool `name:"json" help:"As JSON, on one line."`
}

// Run shows it.
func (c *AccountShowCmd) Run(ctx context.Context, io *IO) error {
	r, err := c.connect()
	if err != nil {
		return err
	}
	defer r.Close()
	account, err := client.Decode[api.Account](r.GetMe(ctx))
	switch {
	case err != nil:
		return r.explain(err)
	case c.JSON:
		return writeJSON(io.Out, account)
	}
	return describeAccount(io.Out, account)
}

func describeAccount(out io.Writer, account api.Account) error {
	counts := account.Usage.Conversions
	kept := "for ever"
	if seconds := account.Limits.Retention; seconds != nil {
		kept = fmt.Sprintf("%.4g days", *seconds/(24*time.Hour).Seconds())
	}
	_, err := fmt.Fprintf(out, "%s\nsince        %s\nconversions  %d queued, %d converting, %d completed, %d failed, %d canceled\nkept         %s\nlimits       %s a video, %s of sound, files are kept %s\n",
		printable(account.Email), account.CreatedAt.Local().Format(time.DateOnly),
		counts.Queued, counts.Converting, counts.Completed, counts.Failed, counts.Canceled,
		humanize.IBytes(uint64(max(account.Usage.Bytes, 0))),
		humanize.IBytes(uint64(max(account.Limits.UploadBytes, 0))), length(account.Limits.Duration), kept)
	return err
}

// AccountPasswdCmd changes the password.
type AccountPasswdCmd struct{ serverFlags }

// Help says where passwords come from.
func (*AccountPasswdCmd) Help() string {
	return "The present password and the new one are asked for, or read from two lines of input or from UNREEL_PASSWORD and UNREEL_NEW_PASSWORD. All other log-ins of the account end."
}

// Run changes it.
func (c *AccountPasswdCmd) Run(ctx context.Context, io *IO) error {
	r, err := c.connect()
	if err != nil {
		return err
	}
	defer r.Close()
	current, next, err := readPasswords(ctx, io)
	if err != nil {
		return err
	}
	_, err = client.Decode[api.Account](r.UpdateMe(ctx, api.AccountChange{CurrentPassword: current, Password: &next}))
	if err != nil {
		return r.explain(err)
	}
	_, err = fmt.Fprintln(io.Out, "The password is changed. All other log-ins have ended.")
	return err
}

// readPasswords is readPassword for a change.
func readPasswords(ctx context.Context, io *IO) (current, next string, err error) {
	current, next = os.Getenv("UNREEL_PASSWORD"), os.Getenv("UNREEL_NEW_PASSWORD")
	if current != "" && next != "" {
		return current, next, nil
	}
	file, onTerminal := terminal(io.In)
	if !onTerminal {
		in := lines(io.In)
		for _, password := range []*string{&current, &next} {
			if *password != "" {
				continue
			}
			if *password, err = await(ctx, func() (string, error) { return readLine(in) }); err != nil {
				return "", "", err
			}
		}
		return current, next, nil
	}
	if current == "" {
		if current, err = readHidden(ctx, io.Err, file, "Present password: "); err != nil {
			return "", "", err
		}
	}
	if next == "" {
		next, err = readTwice(ctx, io.Err, file, "New password: ")
	}
	return current, next, err
}

// AccountEmailCmd changes the address.
type AccountEmailCmd struct {
	serverFlags
	Email string `arg:"" placeholder:"EMAIL" help:"The new address, to log in with and to get mails at. The password is asked for, or read from a line of input or from UNREEL_PASSWORD."`
}

// Run changes it, and the stored log-in with it.
func (c *AccountEmailCmd) Run(ctx context.Context, io *IO) error {
	r, err := c.connect()
	if err != nil {
		return err
	}
	defer r.Close()
	password, err := readPassword(ctx, io, "Password: ", false)
	if err != nil {
		return err
	}
	email := strings.TrimSpace(c.Email)
	account, err := client.Decode[api.Account](r.UpdateMe(ctx, api.AccountChange{CurrentPassword: password, Email: &email}))
	if err != nil {
		return r.explain(err)
	}
	if err := r.rename(ctx, account.Email); err != nil {
		return err
	}
	if account.Email != strings.ToLower(email) {
		_, err = fmt.Fprintf(io.Out, "A mail with a link is on its way to %s: the address is changed when you open it.\n", printable(email))
		return err
	}
	_, err = fmt.Fprintf(io.Out, "The address is %s now.\n", printable(account.Email))
	return err
}

// rename changes the stored log-in's address, unless it is another's by now.
func (r *remote) rename(ctx context.Context, email string) error {
	if r.fromEnv {
		return nil
	}
	unlock, err := lockSession(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	stored, err := loadSession()
	if err != nil || stored.Server != r.session.Server || stored.Email != r.session.Email {
		return err
	}
	stored.Email = email
	return stored.save()
}

// AccountDeleteCmd removes the account.
type AccountDeleteCmd struct {
	serverFlags
	Yes bool `help:"Yes, with all conversions, videos and MP3s, for good."`
}

// Run removes it, and forgets the log-in.
func (c *AccountDeleteCmd) Run(ctx context.Context, io *IO) error {
	if !c.Yes {
		return UsageError{errors.New("this removes your conversions, videos and MP3s for good: if that is what you want, say --yes")}
	}
	r, err := c.connect()
	if err != nil {
		return err
	}
	defer r.Close()
	response, err := client.Check(r.DeleteMe(ctx))
	if err != nil {
		return r.explain(err)
	}
	response.Body.Close()
	if !r.fromEnv {
		if err := forgetSession(); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintln(io.Out, "The account is removed.")
	return err
}
