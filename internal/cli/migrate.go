package cli

import (
	"context"
	"fmt"

	"github.com/unreel/unreel/internal/app"
)

// MigrateCmd brings the SQL tables up to date.
type MigrateCmd struct {
	databaseFlags
}

// Run migrates.
func (c *MigrateCmd) Run(ctx context.Context, io *IO) error {
	if err := app.Migrate(ctx, c.settings()); err != nil {
		return err
	}
	fmt.Fprintln(io.Out, "The tables are up to date.")
	return nil
}
