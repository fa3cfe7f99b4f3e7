package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/api/client"
)

// KeysCmd is about keys for scripts.
type KeysCmd struct {
	Add    KeysAddCmd    `cmd:"" help:"Make one. It is shown once; a script gives it as UNREEL_TOKEN."`
	List   KeysListCmd   `cmd:"" help:"List them, newest first."`
	Remove KeysRemoveCmd `cmd:"" help:"Take one's rights away."`
}

// KeysAddCmd makes a key.
type KeysAddCmd struct {
	serverFlags
	Name    string        `arg:"" placeholder:"NAME" help:"What you call it, to know later what it is for."`
	Expires time.Duration `placeholder:"TIME" help:"How long it is good, such as 720h (default: until you remove it)."`
	JSON    bool          `name:"json" help:"As JSON, on one line."`
}

// Run prints the key alone, so that a script can take it.
func (c *KeysAddCmd) Run(ctx context.Context, io *IO) error {
	request := api.APIKeyRequest{Name: &c.Name}
	if c.Expires != 0 {
		seconds := int(c.Expires.Seconds())
		if seconds < 1 {
			return UsageError{errors.New("--expires: must be a second or more")}
		}
		request.ExpiresIn = &seconds
	}
	r, err := c.connect()
	if err != nil {
		return err
	}
	defer r.Close()
	key, err := client.Decode[api.NewAPIKey](r.CreateAPIKey(ctx, request))
	switch {
	case err != nil:
		return r.explain(err)
	case c.JSON:
		return writeJSON(io.Out, key)
	}
	if _, err := fmt.Fprintln(io.Out, printable(key.Key)); err != nil {
		return err
	}
	fmt.Fprintln(io.Err, "Keep it well: it cannot be shown again.")
	return nil
}

// KeysListCmd lists keys.
type KeysListCmd struct {
	serverFlags
	JSON bool `name:"json" help:"One JSON object a line."`
}

// Run prints one line a key.
func (c *KeysListCmd) Run(ctx context.Context, io *IO) error {
	r, err := c.connect()
	if err != nil {
		return err
	}
	defer r.Close()
	list, err := client.Decode[api.APIKeyList](r.ListAPIKeys(ctx))
	if err != nil {
		return r.explain(err)
	}
	return c.print(io.Out, list.APIKeys)
}

func (c *KeysListCmd) print(out io.Writer, keys []api.APIKey) error {
	const columns = "%-24s  %-14s  %-10s  %-10s  %-10s  %s\n"
	if !c.JSON && len(keys) > 0 {
		fmt.Fprintf(out, columns, "ID", "KEY", "CREATED", "LAST USED", "EXPIRES", "NAME")
	}
	for i := range keys {
		key := &keys[i]
		var err error
		if c.JSON {
			err = writeJSON(out, key)
		} else {
			_, err = fmt.Fprintf(out, columns, printable(key.ID), printable(key.Hint)+"…",
				day(&key.CreatedAt), day(key.LastUsedAt), day(key.ExpiresAt), printable(key.Name))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func day(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return t.Local().Format(time.DateOnly)
}

// KeysRemoveCmd removes a key.
type KeysRemoveCmd struct {
	serverFlags
	ID string `arg:"" placeholder:"ID" help:"The key's id, as the list has it."`
}

// Run removes it for good.
func (c *KeysRemoveCmd) Run(ctx context.Context, io *IO) error {
	r, err := c.connect()
	if err != nil {
		return err
	}
	defer r.Close()
	response, err := client.Check(r.DeleteAPIKey(ctx, c.ID))
	if err != nil {
		return r.explain(err)
	}
	response.Body.Close()
	_, err = fmt.Fprintln(io.Out, "The key is removed; within a minute it is good nowhere.")
	return err
}
