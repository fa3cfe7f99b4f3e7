package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/unreel/unreel/internal/conversion"
)

// ClientCmds are the commands that talk to a running gateway.
type ClientCmds struct {
	Signup   SignupCmd   `cmd:"" help:"Make an account on a server and log in."`
	Login    LoginCmd    `cmd:"" help:"Log in to a server."`
	Logout   LogoutCmd   `cmd:"" help:"Log out, and forget the log-in."`
	Account  AccountCmd  `cmd:"" help:"Look at your account, change or remove it."`
	Keys     KeysCmd     `cmd:"" help:"Keys by which scripts act for you."`
	Webhooks WebhooksCmd `cmd:"" help:"Addresses that are called when a conversion has ended."`
	Upload   UploadCmd   `cmd:"" help:"Send videos to be converted."`
	List     ListCmd     `cmd:"" help:"List your conversions, newest first."`
	Status   StatusCmd   `cmd:"" help:"Show how a conversion stands."`
	Watch    WatchCmd    `cmd:"" help:"Follow a conversion until it ends, or all of them."`
	Download DownloadCmd `cmd:"" help:"Fetch an MP3."`
	Retry    RetryCmd    `cmd:"" help:"Try a failed or canceled conversion again."`
	Delete   DeleteCmd   `cmd:"" help:"Delete a conversion, its video and its MP3."`
}

// idArg is a conversion's id on the command line.
type idArg struct {
	ID string `arg:"" placeholder:"ID" help:"The conversion's id."`
}

// parse returns the id in the form in which servers write it.
func (a idArg) parse() (string, error) {
	id, err := conversion.ParseID(a.ID)
	if err != nil {
		return "", UsageError{fmt.Errorf("%q: %w", a.ID, err)}
	}
	return string(id), nil
}

// writeJSON writes one value on a line of its own.
func writeJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// printable is a text from elsewhere without what would steer a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}

// sleep waits, unless the context ends first.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
