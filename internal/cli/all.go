package cli

import (
	"context"
	"fmt"

	"github.com/unreel/unreel/internal/app"
)

// AllCmd runs every service in one process.
type AllCmd struct {
	app.Settings
}

// Help says what the settings are by default.
func (*AllCmd) Help() string {
	return "Whatever is not set is kept in the data folder, mails too."
}

// Run serves until the context ends.
func (c *AllCmd) Run(ctx context.Context, io *IO) error {
	c.Build = build()
	return app.All(ctx, c.Settings, io.Err, func(url string) {
		fmt.Fprintf(io.Out, greeting, url)
	})
}

// greeting is what to try next, with the address in four places.
const greeting = `
Unreel is running: %[1]s

Open it in a browser, or try this in another terminal:

  curl -X POST %[1]s/v1/users -H 'Content-Type: application/json' -d '{"email":"ada@example.com","password":"correct horse battery"}'
  TOKEN=$(curl -s -X POST %[1]s/login -u ada@example.com:'correct horse battery')
  curl -i -X POST -F 'file=@talk.mp4' -H "Authorization: Bearer $TOKEN" %[1]s/upload

Ctrl-C stops it; what was accepted is finished at the next start.

`
