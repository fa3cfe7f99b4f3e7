package telemetry

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// scope names who makes the spans.
const scope = "github.com/unreel/unreel"

// flushTime is how long the last spans may take to leave.
const flushTime = 3 * time.Second

// newProvider returns what makes spans, nil if nobody wants any, and what ends it.
func newProvider(ctx context.Context, config Config) (*sdktrace.TracerProvider, func() error, error) {
	if !exporting(config.Getenv) {
		return nil, func() error { return nil }, nil
	}
	exporter, err := autoexport.NewSpanExporter(ctx)
	if err != nil {
		return nil, nil, errors.Join(errors.New("OTEL_TRACES_EXPORTER must be otlp, console or none, "+
			"OTEL_EXPORTER_OTLP_PROTOCOL grpc or http/protobuf"), err)
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(
			attribute.String("service.name", serviceName(config.Service)),
			attribute.String("service.version", config.Version),
			attribute.String("service.instance.id", rand.Text())),
		resource.WithTelemetrySDK(),
		resource.WithFromEnv()) // the last word
	if err != nil {
		return nil, nil, errors.Join(errors.New("OTEL_RESOURCE_ATTRIBUTES must be like key=value,key=value"), err)
	}
	report(config.Logger)
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	return provider, func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTime)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			// A collector that is away is no reason for a service to end badly.
			config.Logger.WarnContext(ctx, "the last spans were lost", "error", err)
		}
		return nil
	}, nil
}

// serviceName is what the process is called among others'.
func serviceName(service string) string {
	if service == "all" {
		return "unreel"
	}
	return "unreel-" + service
}

// report sends what the SDK has to say to the log. It has one place for that in a process.
func report(logger *slog.Logger) {
	otel.SetLogger(logr.FromSlogHandler(logger.Handler()))
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		logger.Warn("spans lost", "error", err)
	}))
}

// exporting tells whether somebody wants spans: the exporter's own default, OTLP to this machine, would have every
// process knock at a door that is not there.
func exporting(getenv func(string) string) bool {
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") {
		return false
	}
	switch exporter := getenv("OTEL_TRACES_EXPORTER"); exporter {
	case "none":
		return false
	case "":
		return getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
	default:
		return true
	}
}

// traceContext is the form in which a trace crosses processes (https://www.w3.org/TR/trace-context). What else a
// request may carry, baggage and vendors' own, is not passed on.
var traceContext propagation.TraceContext

const traceparent = "traceparent"

// Traceparent writes down where in a trace a context is; "" if it is in none.
func Traceparent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	traceContext.Inject(ctx, carrier)
	return carrier[traceparent]
}

// WithTraceparent returns a context that is where a traceparent says. One that is no such thing changes nothing.
func WithTraceparent(ctx context.Context, text string) context.Context {
	if text == "" {
		return ctx
	}
	return traceContext.Extract(ctx, propagation.MapCarrier{traceparent: text})
}

// WithTrace returns a context that is in a trace: its own, or a new one that nobody records, so that what belongs
// together can be found in logs without a collector.
func WithTrace(ctx context.Context) context.Context {
	if InTrace(ctx) {
		return ctx
	}
	var id trace.TraceID
	var span trace.SpanID
	_, _ = rand.Read(id[:]) // it never fails
	_, _ = rand.Read(span[:])
	return trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: span}))
}

// InTrace tells whether a context is in a trace.
func InTrace(ctx context.Context) bool {
	return trace.SpanContextFromContext(ctx).IsValid()
}

// Start begins a span. The caller ends it by Finish. Where nobody wants spans the trace that is found is passed on, and
// that costs a look at the context.
func (t *Telemetry) Start(ctx context.Context, name string, kind trace.SpanKind, attributes ...attribute.KeyValue) (context.Context, trace.Span) {
	if t.tracer == nil {
		return ctx, trace.SpanFromContext(ctx)
	}
	return t.tracer.Start(ctx, name, trace.WithSpanKind(kind), trace.WithAttributes(attributes...))
}

// Finish ends a span, with the error that what it was about has ended with.
func Finish(span trace.Span, err error) {
	if err != nil && span.IsRecording() {
		span.SetStatus(codes.Error, redact(err.Error()))
	}
	span.End()
}
