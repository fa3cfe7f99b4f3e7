package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// HealthCmd asks a service whether it is ready.
type HealthCmd struct {
	URL string `arg:"" optional:"" help:"What to ask (default: /readyz at UNREEL_ADMIN_ADDR)."`

	AdminAddr string `env:"UNREEL_ADMIN_ADDR" default:"127.0.0.1:9090" placeholder:"HOST:PORT" help:"Where the service's admin routes are."`
}

const (
	healthTime = 5 * time.Second
	maxHealth  = 4 << 10 // bytes of the answer that are shown
)

// Run asks once. A service that is not ready is an error that says why.
func (c *HealthCmd) Run(ctx context.Context, _ *IO) error {
	url := c.URL
	if url == "" {
		url = "http://" + c.AdminAddr + "/readyz" // of this machine, where no host is named
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return UsageError{err}
	}
	response, err := (&http.Client{Timeout: healthTime}).Do(request)
	if err != nil {
		return fmt.Errorf("not reachable: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxHealth))
	if response.StatusCode != http.StatusOK {
		return errors.Join(fmt.Errorf("not ready: %s", strings.TrimSpace(string(body))), err)
	}
	return nil
}
