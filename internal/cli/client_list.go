package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/api/client"
	"github.com/unreel/unreel/internal/conversion"
)

// ListCmd lists conversions.
type ListCmd struct {
	serverFlags
	Limit  int    `default:"20" placeholder:"N" help:"How many at most (default: ${default})."`
	All    bool   `help:"All of them."`
	Status string `placeholder:"STATUS" help:"Only those that are queued, converting, completed, failed or canceled."`
	JSON   bool   `name:"json" help:"One JSON object a line."`
}

// maxPage is the largest page that a server gives.
const maxPage = 100

// Run prints one line a conversion.
func (c *ListCmd) Run(ctx context.Context, io *IO) error {
	if err := c.check(); err != nil {
		return err
	}
	r, err := c.connect()
	if err != nil {
		return err
	}
	defer r.Close()
	cursor := ""
	for shown := 0; c.All || shown < c.Limit; {
		page, err := c.page(ctx, r, cursor, shown)
		if err != nil {
			return r.explain(err)
		}
		if err := c.print(io.Out, page.Conversions, shown == 0); err != nil {
			return err
		}
		shown += len(page.Conversions)
		if page.NextCursor == "" || page.NextCursor == cursor {
			return nil
		}
		cursor = page.NextCursor
	}
	return nil
}

func (c *ListCmd) check() error {
	if c.Limit < 1 {
		return UsageError{errors.New("--limit: must be more than 0, or say --all")}
	}
	switch s := conversion.Status(c.Status); s {
	case "", conversion.Queued, conversion.Converting, conversion.Completed, conversion.Failed, conversion.Canceled:
		return nil
	default:
		return UsageError{errors.New("--status: must be queued, converting, completed, failed or canceled")}
	}
}

func (c *ListCmd) page(ctx context.Context, r *remote, cursor string, shown int) (api.ConversionList, error) {
	limit := maxPage
	if !c.All {
		limit = min(limit, c.Limit-shown)
	}
	params := &api.ListConversionsParams{Limit: &limit}
	if cursor != "" {
		params.Cursor = &cursor
	}
	if c.Status != "" {
		status := api.Status(c.Status)
		params.Status = &status
	}
	return client.Decode[api.ConversionList](r.ListConversions(ctx, params))
}

func (c *ListCmd) print(out io.Writer, conversions []api.Conversion, first bool) error {
	if c.JSON {
		for i := range conversions {
			if err := writeJSON(out, conversions[i]); err != nil {
				return err
			}
		}
		return nil
	}
	const columns = "%-24s  %-10s  %5s  %-16s  %8s  %s\n"
	if first && len(conversions) > 0 {
		fmt.Fprintf(out, columns, "ID", "STATUS", "DONE", "CREATED", "LENGTH", "VIDEO")
	}
	for i := range conversions {
		one := &conversions[i]
		if _, err := fmt.Fprintf(out, columns, printable(one.ID), printable(string(one.Status)), percent(one.Progress),
			one.CreatedAt.Local().Format("2006-01-02 15:04"), length(one.Video.Duration), printable(one.Video.Name)); err != nil {
			return err
		}
	}
	return nil
}
