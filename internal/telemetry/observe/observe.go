// Package observe puts eyes on what services work with: the stores, the queue and the mail. Each function returns what it
// was given, watched: calls become spans of the trace that they are made in, and what comes of them is counted. So
// neither services nor backends know that anybody looks.
package observe

import (
	"context"
	"errors"
	"io"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store"
	"github.com/unreel/unreel/internal/telemetry"
)

// eye watches the calls to one server.
type eye struct {
	*telemetry.Telemetry
	server string // as unreel_unavailable_total names it
}

// look begins to watch a call, and returns what to call when it has ended. Only what is in a trace becomes a span: a
// relay that looks for work every second is nobody's business.
func (e eye) look(ctx context.Context, name string, id conversion.ID) (context.Context, func(error)) {
	if !telemetry.InTrace(ctx) {
		return ctx, e.count
	}
	ctx, span := e.Start(ctx, name, trace.SpanKindClient, about(id)...)
	return ctx, func(err error) {
		e.count(err)
		telemetry.Finish(span, unexpected(err))
	}
}

// count notes that a server was away.
func (e eye) count(err error) {
	if errors.Is(err, store.ErrUnavailable) {
		e.Metrics.Unavailable.WithLabelValues(e.server).Inc()
	}
}

// about is the attributes of what concerns a conversion.
func about(id conversion.ID) []attribute.KeyValue {
	if id == "" {
		return nil
	}
	return []attribute.KeyValue{attribute.String("unreel.conversion", string(id))}
}

// unexpected drops the errors that are answers.
func unexpected(err error) error {
	for _, answer := range answers {
		if errors.Is(err, answer) {
			return nil
		}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
