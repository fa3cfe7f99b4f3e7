package cli

import (
	"context"
	"fmt"
	"net/http"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/api/client"
)

// StatusCmd shows one conversion.
type StatusCmd struct {
	serverFlags
	idArg
	JSON bool `name:"json" help:"As JSON, on one line."`
}

// RetryCmd queues a conversion once more.
type RetryCmd struct {
	serverFlags
	idArg
	JSON bool `name:"json" help:"As JSON, on one line."`
}

// DeleteCmd deletes a conversion.
type DeleteCmd struct {
	serverFlags
	idArg
}

// Run shows it, whether it went well or not.
func (c *StatusCmd) Run(ctx context.Context, io *IO) error {
	one, err := c.ask(ctx, c.serverFlags, (*remote).GetConversion)
	switch {
	case err != nil:
		return err
	case c.JSON:
		return writeJSON(io.Out, one)
	}
	return describe(io.Out, one)
}

// Run asks for another attempt.
func (c *RetryCmd) Run(ctx context.Context, io *IO) error {
	one, err := c.ask(ctx, c.serverFlags, (*remote).RetryConversion)
	switch {
	case err != nil:
		return err
	case c.JSON:
		return writeJSON(io.Out, one)
	}
	return writeLine(io.Out, one)
}

// Run deletes for good.
func (c *DeleteCmd) Run(ctx context.Context, io *IO) error {
	id, err := c.parse()
	if err != nil {
		return err
	}
	r, err := c.connect()
	if err != nil {
		return err
	}
	defer r.Close()
	response, err := client.Check(r.DeleteConversion(ctx, id))
	if err != nil {
		return r.explain(err)
	}
	defer response.Body.Close()
	_, err = fmt.Fprintf(io.Out, "%s  deleted\n", id)
	return err
}

// request is one of the generated methods that take an id and answer with a conversion.
type request func(r *remote, ctx context.Context, id api.ID, editors ...client.RequestEditorFn) (*http.Response, error)

func (a idArg) ask(ctx context.Context, server serverFlags, send request) (api.Conversion, error) {
	id, err := a.parse()
	if err != nil {
		return api.Conversion{}, err
	}
	r, err := server.connect()
	if err != nil {
		return api.Conversion{}, err
	}
	defer r.Close()
	one, err := client.Decode[api.Conversion](send(r, ctx, id))
	return one, r.explain(err)
}
