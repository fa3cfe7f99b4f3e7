package cli

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/unreel/unreel/internal/app"
)

// DoctorCmd looks at everything that a service would need.
type DoctorCmd struct {
	app.Settings

	AuthURL string `env:"UNREEL_AUTH_URL" placeholder:"URL" help:"Where the auth service is (default in gateway: http://auth:5000)."`

	Service string `arg:"" optional:"" enum:"all,gateway,auth,converter,notifier" default:"all" help:"The service that is to run with these settings: all, gateway, auth, converter or notifier (default: all)."`
	JSON    bool   `name:"json" help:"Print one JSON object a line."`
}

// Run prints one line for each finding. Anything that keeps the service from its work is an error.
func (c *DoctorCmd) Run(ctx context.Context, io *IO) error {
	settings := c.Settings
	settings.AuthURL = c.AuthURL
	findings, err := app.Doctor(ctx, settings, c.Service)
	if err != nil {
		return err
	}
	failed := 0
	for _, finding := range findings {
		if finding.Level == "fail" {
			failed++
		}
		if err := c.print(io, finding); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failed", failed, len(findings))
	}
	return nil
}

func (c *DoctorCmd) print(io *IO, finding app.Finding) error {
	if c.JSON {
		return json.NewEncoder(io.Out).Encode(finding)
	}
	line := fmt.Sprintf("%-4s  %-22s  %s", finding.Level, finding.Setting, finding.Says)
	if finding.Remedy != "" {
		line += " -> " + finding.Remedy
	}
	_, err := fmt.Fprintln(io.Out, line)
	return err
}
