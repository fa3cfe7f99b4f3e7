package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/api/client"
)

// WebhooksCmd is about addresses that are called when a conversion has ended.
type WebhooksCmd struct {
	Add    WebhooksAddCmd    `cmd:"" help:"Have an address called. The secret that calls are signed with is shown once."`
	List   WebhooksListCmd   `cmd:"" help:"List them, newest first."`
	Remove WebhooksRemoveCmd `cmd:"" help:"Have an address called no more."`
}

// WebhooksAddCmd makes a webhook.
type WebhooksAddCmd struct {
	serverFlags
	URL  string   `arg:"" placeholder:"URL" help:"The address, such as https://example.com/unreel."`
	On   []string `placeholder:"EVENT" help:"conversion.completed, conversion.failed, or both with a comma (default: both)."`
	JSON bool     `name:"json" help:"As JSON, on one line."`
}

// Run prints the secret alone, so that a script can take it.
func (c *WebhooksAddCmd) Run(ctx context.Context, io *IO) error {
	request := api.WebhookRequest{URL: c.URL}
	if len(c.On) > 0 {
		request.Events = &c.On
	}
	r, err := c.connect()
	if err != nil {
		return err
	}
	defer r.Close()
	hook, err := client.Decode[api.NewWebhook](r.CreateWebhook(ctx, request))
	switch {
	case err != nil:
		return r.explain(err)
	case c.JSON:
		return writeJSON(io.Out, hook)
	}
	if _, err := fmt.Fprintln(io.Out, printable(hook.Secret)); err != nil {
		return err
	}
	fmt.Fprintln(io.Err, "It is what calls are signed with (Standard Webhooks). Keep it well: it cannot be shown again.")
	return nil
}

// WebhooksListCmd lists webhooks.
type WebhooksListCmd struct {
	serverFlags
	JSON bool `name:"json" help:"One JSON object a line."`
}

// Run prints one line a webhook.
func (c *WebhooksListCmd) Run(ctx context.Context, io *IO) error {
	r, err := c.connect()
	if err != nil {
		return err
	}
	defer r.Close()
	list, err := client.Decode[api.WebhookList](r.ListWebhooks(ctx))
	if err != nil {
		return r.explain(err)
	}
	return c.print(io.Out, list.Webhooks)
}

func (c *WebhooksListCmd) print(out io.Writer, hooks []api.Webhook) error {
	const columns = "%-24s  %-10s  %-10s  %-42s  %s\n"
	if !c.JSON && len(hooks) > 0 {
		fmt.Fprintf(out, columns, "ID", "CREATED", "DISABLED", "ON", "URL")
	}
	for i := range hooks {
		hook := &hooks[i]
		var err error
		if c.JSON {
			err = writeJSON(out, hook)
		} else {
			_, err = fmt.Fprintf(out, columns, printable(hook.ID), day(&hook.CreatedAt), day(hook.DisabledAt),
				printable(strings.Join(hook.Events, ",")), printable(hook.URL))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// WebhooksRemoveCmd removes a webhook.
type WebhooksRemoveCmd struct {
	serverFlags
	ID string `arg:"" placeholder:"ID" help:"The webhook's id, as the list has it."`
}

// Run removes it.
func (c *WebhooksRemoveCmd) Run(ctx context.Context, io *IO) error {
	r, err := c.connect()
	if err != nil {
		return err
	}
	defer r.Close()
	response, err := client.Check(r.DeleteWebhook(ctx, c.ID))
	if err != nil {
		return r.explain(err)
	}
	response.Body.Close()
	_, err = fmt.Fprintln(io.Out, "The address is called no more.")
	return err
}
