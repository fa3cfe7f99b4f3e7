// Package telemetry lets people see what the services do: logs tell of single events, metrics how much there is
// and how fast it goes, traces where the time of one conversion went. All three name the same trace.
//
// It knows HTTP and nothing else of the house; observe, beside it, looks at the stores, the queue and the mail.
package telemetry

import (
	"context"
	"fmt"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
)

// Config says who the process is.
type Config struct {
	Service string // gateway, auth, converter, notifier or all
	Version string
	Commit  string
	// Getenv reads the OTEL_… variables; https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables
	// lists them.
	Getenv func(name string) string
	Logger *slog.Logger
}

// Telemetry is what a process is watched by.
type Telemetry struct {
	Metrics *Metrics

	tracer trace.Tracer // nil where nobody wants spans
	close  func() error
}

// New makes a Telemetry. Traces go nowhere unless the environment says where to; an error names the variable.
func New(ctx context.Context, config Config) (*Telemetry, error) {
	provider, closer, err := newProvider(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("start tracing: %w", err)
	}
	made := &Telemetry{Metrics: newMetrics(config), close: closer}
	if provider != nil {
		made.tracer = provider.Tracer(scope, trace.WithInstrumentationVersion(config.Version))
	}
	return made, nil
}

// Close sends what has not been sent yet. Call it last, for the others tell what they do at their end as well.
func (t *Telemetry) Close() error { return t.close() }
