package observe

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/trace"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/queue"
	"github.com/unreel/unreel/internal/telemetry"
)

// Queue watches a queue, and takes traces through it.
func Queue(hints queue.Queue, by *telemetry.Telemetry) queue.Queue {
	watched := &hintQueue{hints, eye{by, "queue"}}
	if dead, ok := hints.(queue.DeadLetters); ok {
		return struct {
			*hintQueue
			queue.DeadLetters
		}{watched, dead}
	}
	return watched
}

type hintQueue struct {
	queue.Queue
	eye eye
}

// Publish implements queue.Queue. Whoever handles the hint goes on from here.
func (q *hintQueue) Publish(ctx context.Context, topic queue.Topic, message queue.Message) error {
	ctx = telemetry.WithTrace(telemetry.WithTraceparent(ctx, message.Trace))
	ctx, span := q.eye.Start(ctx, "publish "+string(topic), trace.SpanKindProducer, about(message.VideoID)...)
	message.Trace = telemetry.Traceparent(ctx)
	err := q.Queue.Publish(ctx, topic, message)
	telemetry.Finish(span, err)
	q.eye.count(err)
	result := telemetry.Sent
	if err != nil {
		result = telemetry.Failed
	}
	q.eye.Metrics.Published.WithLabelValues(string(topic), result).Inc()
	return err
}

// Consume implements queue.Queue. What a handler logs names its conversion and its trace.
func (q *hintQueue) Consume(ctx context.Context, topic queue.Topic, slots int, handler queue.Handler) error {
	m := q.eye.Metrics
	busy := m.SlotsBusy.WithLabelValues(string(topic))
	m.Slots.WithLabelValues(string(topic)).Set(float64(slots))
	return q.Queue.Consume(ctx, topic, slots, func(ctx context.Context, message queue.Message) error {
		busy.Inc()
		defer busy.Dec()
		if _, err := conversion.ParseID(string(message.VideoID)); err == nil {
			ctx = telemetry.WithConversion(ctx, string(message.VideoID))
		}
		ctx = telemetry.WithTrace(telemetry.WithTraceparent(ctx, message.Trace))
		ctx, span := q.eye.Start(ctx, "process "+string(topic), trace.SpanKindConsumer, about(message.VideoID)...)
		err := handler(ctx, message)
		telemetry.Finish(span, err)
		m.Handled.WithLabelValues(string(topic), resultOf(err)).Inc()
		return err
	})
}

func resultOf(err error) string {
	switch {
	case err == nil:
		return telemetry.Handled
	case errors.Is(err, queue.ErrReject):
		return telemetry.Rejected
	default:
		return telemetry.Failed
	}
}
