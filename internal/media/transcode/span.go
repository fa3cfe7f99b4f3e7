package transcode

import (
	"context"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// begin begins a phase of a run, a span of the trace that the caller is in, and returns what ends it. Where the caller
// records nothing, there is nothing to it.
func begin(ctx context.Context, phase string) (context.Context, func(error)) {
	caller := trace.SpanFromContext(ctx)
	if !caller.IsRecording() {
		return ctx, func(error) {}
	}
	ctx, span := caller.TracerProvider().Tracer("github.com/unreel/unreel/internal/media/transcode").Start(ctx, phase)
	return ctx, func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, "") // what ffmpeg says of a file is for its owner
		}
		span.End()
	}
}
