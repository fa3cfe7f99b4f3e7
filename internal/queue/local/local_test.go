package local

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/queue"
	"github.com/unreel/unreel/internal/queue/queuetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestQueue(t *testing.T) {
	queuetest.Run(t, func(*testing.T) queue.Queue { return New(slog.New(slog.DiscardHandler)) })
}

func hint(id string, attempt int) queue.Message {
	return queue.Message{VideoID: conversion.ID(id), ID: conversion.ID(id), Attempt: attempt}
}

func publish(t *testing.T, q *Queue, messages ...queue.Message) {
	t.Helper()
	for _, message := range messages {
		if err := q.Publish(t.Context(), queue.Video, message); err != nil {
			t.Fatal(err)
		}
	}
}

// drain consumes what waits, in order.
func drain(t *testing.T, q *Queue) (attempts []string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- q.Consume(ctx, queue.Video, 1, func(_ context.Context, m queue.Message) error {
			attempts = append(attempts, fmt.Sprintf("%s %d", m.ID, m.Attempt))
			return nil
		})
	}()
	synctest.Wait()
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return attempts
}

// TestOnceInLine publishes as the relay does while no converter comes: one hint an id waits.
func TestOnceInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New(slog.New(slog.DiscardHandler))
		publish(t, q, hint("a", 1), hint("b", 1), hint("a", 2), hint("c", 1), hint("a", 3))
		want := []string{"a 3", "b 1", "c 1"}
		if diff := cmp.Diff(want, drain(t, q)); diff != "" {
			t.Errorf("hints (-want +got):\n%s", diff)
		}
		publish(t, q, hint("a", 4))
		if diff := cmp.Diff([]string{"a 4"}, drain(t, q)); diff != "" {
			t.Errorf("a hint after the first was handed out (-want +got):\n%s", diff)
		}
	})
}

// TestStoppedConsumerPassesOn wakes a consumer in the moment of its stop: the other one must wake too.
func TestStoppedConsumerPassesOn(t *testing.T) {
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			q := New(slog.New(slog.DiscardHandler))
			got, done := make(chan queue.Message, 1), make(chan error, 2)
			handler := func(_ context.Context, m queue.Message) error { got <- m; return nil }
			stopped, stop := context.WithCancel(t.Context())
			ctx, end := context.WithCancel(t.Context())
			go func() { done <- q.Consume(stopped, queue.Video, 1, handler) }()
			go func() { done <- q.Consume(ctx, queue.Video, 1, handler) }()
			synctest.Wait()
			publish(t, q, hint("a", 1))
			stop()
			<-got // a deadlock ends the test
			end()
			for range 2 {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestFailuresAreLogged(t *testing.T) {
	for name, test := range map[string]struct {
		handler queue.Handler
		want    []string
	}{
		"passing": {
			func(context.Context, queue.Message) error { return fmt.Errorf("no disk") },
			[]string{"level=WARN", "no disk", "conversion=a", "topic=video"},
		},
		"rejected": {
			func(context.Context, queue.Message) error { return fmt.Errorf("no owner: %w", queue.ErrReject) },
			[]string{"level=ERROR", "set aside", "no owner", "conversion=a"},
		},
		"panic": {
			func(context.Context, queue.Message) error { panic("oh no") },
			[]string{"level=ERROR", "panicked", "oh no", "local_test.go", "conversion=a"},
		},
		"fine": {func(context.Context, queue.Message) error { return nil }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			q := New(slog.New(slog.NewTextHandler(&out, nil)))
			q.handle(t.Context(), queue.Video, hint("a", 1), test.handler)
			for _, want := range test.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("the log lacks %q: %s", want, &out)
				}
			}
			if test.want == nil && out.Len() > 0 {
				t.Errorf("logged: %s", &out)
			}
		})
	}
}

// TestSlowSubscriber floods a subscriber that hangs: progress is lost, but no conversion's newest state.
func TestSlowSubscriber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New(slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		release, done := make(chan struct{}), make(chan error, 1)
		var got []conversion.Event
		go func() {
			done <- q.Subscribe(ctx, func(event conversion.Event) {
				<-release
				got = append(got, event)
			})
		}()
		synctest.Wait()
		announce := func(id string, status conversion.Status, progress float64) {
			event := conversion.Event{ID: conversion.ID(id), Status: status, Progress: progress}
			if err := q.Announce(t.Context(), event); err != nil {
				t.Fatal(err)
			}
		}
		announce("hangs", conversion.Queued, 0)
		announce("early", conversion.Completed, 1)
		for i := range 10 * backlog {
			announce("busy", conversion.Converting, float64(i))
		}
		announce("busy", conversion.Completed, 1)
		close(release)
		synctest.Wait()
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		checkSlow(t, got)
	})
}

func checkSlow(t *testing.T, got []conversion.Event) {
	t.Helper()
	if len(got) > backlog+1 {
		t.Errorf("%d events were kept, want at most %d", len(got), backlog+1)
	}
	newest, last := map[conversion.ID]conversion.Status{}, -1.0
	for _, event := range got {
		newest[event.ID] = event.Status
		if event.Status == conversion.Converting {
			if event.Progress <= last {
				t.Errorf("step %v came after step %v", event.Progress, last)
			}
			last = event.Progress
		}
	}
	want := map[conversion.ID]conversion.Status{
		"hangs": conversion.Queued, "early": conversion.Completed, "busy": conversion.Completed,
	}
	if diff := cmp.Diff(want, newest); diff != "" {
		t.Errorf("newest states (-want +got):\n%s", diff)
	}
	if want := float64(10*backlog - 1); last != want {
		t.Errorf("the newest progress is %v, want %v", last, want)
	}
}

func TestExpendable(t *testing.T) {
	event := func(id string, status conversion.Status) conversion.Event {
		return conversion.Event{ID: conversion.ID(id), Status: status}
	}
	for name, test := range map[string]struct {
		events []conversion.Event
		want   int
	}{
		"oldest progress": {[]conversion.Event{
			event("a", conversion.Queued), event("a", conversion.Converting),
			event("a", conversion.Converting), event("a", conversion.Converting),
		}, 1},
		"else a state that has passed": {[]conversion.Event{
			event("b", conversion.Completed), event("a", conversion.Queued), event("a", conversion.Completed),
		}, 1},
		"else the oldest": {[]conversion.Event{
			event("a", conversion.Completed), event("b", conversion.Completed),
		}, 0},
	} {
		if got := expendable(test.events); got != test.want {
			t.Errorf("%s: got %d, want %d", name, got, test.want)
		}
	}
}

func TestPublishAfterDeadline(t *testing.T) {
	q := New(slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	if err := q.Publish(ctx, queue.Video, hint("a", 1)); err == nil {
		t.Error("publish with a dead context gave no error")
	}
	if err := q.Announce(ctx, conversion.Event{}); err == nil {
		t.Error("announce with a dead context gave no error")
	}
}

func TestClosedSubscribe(t *testing.T) {
	q := New(slog.New(slog.DiscardHandler))
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	if err := q.Subscribe(t.Context(), func(conversion.Event) {}); err == nil {
		t.Error("subscribe to a closed queue gave no error")
	}
	if err := q.Announce(t.Context(), conversion.Event{}); err == nil {
		t.Error("announce on a closed queue gave no error")
	}
}
