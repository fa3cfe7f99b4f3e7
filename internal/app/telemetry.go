package app

import (
	"context"
	"log/slog"
	"os"

	"github.com/unreel/unreel/internal/queue"
	"github.com/unreel/unreel/internal/telemetry"
	"github.com/unreel/unreel/internal/telemetry/observe"
)

// newTelemetry makes what the process is watched by. What libraries write to the log of their own, which is one in a
// process, becomes lines like the others.
func newTelemetry(ctx context.Context, settings Settings, as roles, logger *slog.Logger) (*telemetry.Telemetry, error) {
	slog.SetDefault(logger)
	return telemetry.New(ctx, telemetry.Config{
		Service: as.String(), Version: settings.Build.Version, Commit: settings.Build.Commit,
		Getenv: os.Getenv, Logger: logger,
	})
}

// watchState adds what only a store knows to what can be scraped. The gateways do it for all: each question is asked
// of the whole ledger and the whole broker.
func (p *process) watchState() {
	if !p.roles.has(roleGateway) {
		return
	}
	metrics := p.telemetry.Metrics
	metrics.Register(observe.LedgerState(p.ledger))
	if dead, ok := p.queue.(queue.DeadLetters); ok {
		metrics.Register(observe.QueueState(dead))
	}
}
