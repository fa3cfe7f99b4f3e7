package telemetry

import (
	"context"
	"io"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
)

// NewLogger writes one line an event: JSON, or words where a person reads along. Each has the trace and the conversion
// that its context is about, and none has a secret or a whole e-mail address.
func NewLogger(out io.Writer, level slog.Level, forPeople bool) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	out = redactor{out}
	if forPeople {
		return slog.New(handler{Handler: slog.NewTextHandler(out, options)})
	}
	return slog.New(handler{Handler: slog.NewJSONHandler(out, options)})
}

// conversionAttr is the key of a conversion's id in logs.
const conversionAttr = "conversion"

type conversionKey struct{}

// WithConversion returns a context whose log lines name a conversion.
func WithConversion(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, conversionKey{}, id)
}

// handler adds what a context knows to what is logged in it.
type handler struct {
	slog.Handler

	named bool // the conversion is among the logger's own attributes
}

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, record slog.Record) error {
	place := trace.SpanContextFromContext(ctx)
	id, about := ctx.Value(conversionKey{}).(string)
	about = about && !h.named && !names(record)
	if place.HasTraceID() || about {
		record = record.Clone()
	}
	if about {
		record.AddAttrs(slog.String(conversionAttr, id))
	}
	if place.HasTraceID() {
		record.AddAttrs(slog.String("trace_id", place.TraceID().String()))
	}
	return h.Handler.Handle(ctx, record)
}

func names(record slog.Record) (found bool) {
	record.Attrs(func(attr slog.Attr) bool {
		found = attr.Key == conversionAttr
		return !found
	})
	return found
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	named := h.named
	for _, attr := range attrs {
		named = named || attr.Key == conversionAttr
	}
	return handler{h.Handler.WithAttrs(attrs), named}
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler {
	return handler{h.Handler.WithGroup(name), h.named}
}
