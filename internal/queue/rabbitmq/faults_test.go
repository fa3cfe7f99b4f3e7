package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/queue"
	"github.com/unreel/unreel/internal/store"
	"github.com/unreel/unreel/internal/telemetry/logtest"
	"github.com/unreel/unreel/test/servers"
)

// TestFaults does to a broker what happens to brokers. They share one, which takes long to start.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("kills a broker")
	}
	server := servers.NewRabbitMQ(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *servers.RabbitMQServer)
	}{
		{"killed under load", testKilledUnderLoad},
		{"no ack across epochs", testNoAckAcrossEpochs},
		{"events come back", testEventsComeBack},
		{"memory alarm", testMemoryAlarm},
		{"confirm hangs", testConfirmHangs},
		{"stops when paused", testStopsWhenPaused},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, server) })
	}
}

// testKilledUnderLoad kills the broker again and again while hints come and go. Every hint that was confirmed is
// handled, those that were not are sent again as the relay does, and the end is seen on every connection.
func testKilledUnderLoad(t *testing.T, server *servers.RabbitMQServer) {
	const hints, kills = 300, 2
	address := server.VirtualHost(t)
	var log logtest.Buffer
	sender := ready(t, openLogged(t, Config{URL: address}, handler(&log)))
	receiver := ready(t, open(t, Config{URL: address}))
	server.Sync(t)

	var mu sync.Mutex
	handled := map[conversion.ID]bool{}
	consume(t, receiver, queue.Video, 4, func(_ context.Context, message queue.Message) error {
		mu.Lock()
		defer mu.Unlock()
		handled[message.ID] = true
		return nil
	})
	published := make(chan conversion.ID, hints)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range hints {
			hint := newHint()
			for sender.Publish(t.Context(), queue.Video, hint) != nil && t.Context().Err() == nil {
			}
			published <- hint.ID
		}
	}()
	var ids []conversion.ID
	for range kills {
		for range hints / (kills + 1) {
			ids = append(ids, receive(t, published))
		}
		server.Kill(t)
		server.Restart(t)
	}
	for len(ids) < hints {
		ids = append(ids, receive(t, published))
	}
	<-done
	for _, id := range ids {
		eventually(t, func() error {
			mu.Lock()
			defer mu.Unlock()
			if !handled[id] {
				return fmt.Errorf("%s was confirmed and never came", id)
			}
			return nil
		})
	}
	awaitDepth(t, receiver, "video", 0)
	checkLines(t, lines(&log), kills)
}

// checkLines wants one line a change: connected, then lost and connected for each kill.
func checkLines(t *testing.T, lines []string, kills int) {
	t.Helper()
	var changes []string
	for _, line := range lines {
		switch {
		case strings.Contains(line, "queue connected"):
			changes = append(changes, "connected")
		case strings.Contains(line, "queue lost"):
			changes = append(changes, "lost")
		}
	}
	want := "connected" + strings.Repeat(" lost connected", kills)
	if got := strings.Join(changes, " "); got != want {
		t.Errorf("the log tells %q, want %q:\n%s", got, want, strings.Join(lines, "\n"))
	}
}

// testNoAckAcrossEpochs has a handler outlive its connection: what it returns then must settle nothing, least of
// all the message that has the same number on the next connection.
func testNoAckAcrossEpochs(t *testing.T, server *servers.RabbitMQServer) {
	address := server.VirtualHost(t)
	q := ready(t, open(t, Config{URL: address}))
	server.Sync(t)

	type call struct {
		id      conversion.ID
		release chan struct{}
	}
	calls := make(chan call, 10)
	over := make(chan struct{})
	stop := consume(t, q, queue.Video, 2, func(_ context.Context, message queue.Message) error {
		c := call{message.ID, make(chan struct{})}
		calls <- c
		select {
		case <-c.release:
		case <-over:
		}
		return nil
	})
	end := sync.OnceFunc(func() { close(over) })
	t.Cleanup(end)

	old := newHint()
	publish(t, q, queue.Video, old)
	first := receive(t, calls)
	server.Kill(t)
	server.Restart(t)
	again := receive(t, calls) // the hint comes again, and both slots are busy
	if first.id != old.ID || again.id != old.ID {
		t.Fatalf("got %s and %s, want %s twice", first.id, again.id, old.ID)
	}
	close(first.release) // on the old connection
	next := newHint()
	eventually(t, func() error { return q.Publish(t.Context(), queue.Video, next) })
	if got := receive(t, calls); got.id != next.ID {
		t.Fatalf("the slot that is free again got %s, want %s", got.id, next.ID)
	}
	// Both messages are in the hands of handlers. Had the first handler's end settled one, it would not come back.
	server.Sync(t)
	server.Kill(t)
	end()
	stop()
	server.Restart(t)
	eventually(t, func() error { return q.Check(t.Context()) })
	awaitDepth(t, q, "video", 2)
}

// testEventsComeBack subscribes anew when the broker does.
func testEventsComeBack(t *testing.T, server *servers.RabbitMQServer) {
	q := ready(t, open(t, Config{URL: server.VirtualHost(t)}))
	server.Sync(t)
	ctx, stop := context.WithCancel(t.Context())
	events, done := make(chan conversion.Event, 10_000), make(chan error, 1)
	go func() { done <- q.Subscribe(ctx, func(event conversion.Event) { events <- event }) }()
	hear := func(progress float64) {
		t.Helper()
		eventually(t, func() error {
			if err := q.Announce(t.Context(), conversion.Event{Progress: progress}); err != nil {
				return err
			}
			select {
			case event := <-events:
				if event.Progress == progress {
					return nil
				}
			case <-time.After(10 * time.Millisecond):
			}
			return errors.New("not heard")
		})
	}
	hear(0.1)
	server.Kill(t)
	server.Restart(t)
	hear(0.2)
	stop()
	if err := receive(t, done); err != nil {
		t.Error(err)
	}
}

// testMemoryAlarm has the broker run short of memory, while it says nothing and when it is asked.
func testMemoryAlarm(t *testing.T, server *servers.RabbitMQServer) {
	address := server.VirtualHost(t)
	q := ready(t, open(t, Config{URL: address}))
	got := collect(t, q, queue.Video)
	publish(t, q, queue.Video, newHint())
	receive(t, got)

	server.Control(t, "set_vm_memory_high_watermark", "0")
	err := q.Publish(t.Context(), queue.Video, newHint())
	if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "memory") {
		t.Errorf("publish gave %v, want %v and the reason", err, store.ErrUnavailable)
	}
	if err := q.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "memory") {
		t.Errorf("check gave %v, want the reason", err)
	}
	if err := q.Announce(t.Context(), conversion.Event{}); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("announce gave %v, want %v", err, store.ErrUnavailable)
	}
	report, err := Examine(t.Context(), Config{URL: address})
	if err != nil || report.Alarm == nil || !strings.Contains(report.Alarm.Error(), "memory") {
		t.Errorf("examine gave %+v, %v, want the reason", report, err)
	}
	server.Control(t, "set_vm_memory_high_watermark", "0.6")
	ready(t, q)
	report, err = Examine(t.Context(), Config{URL: address})
	if err != nil || report.Alarm != nil || len(report.Queues) != 4 {
		t.Errorf("examine after the alarm gave %+v, %v", report, err)
	}
	want := newHint()
	publish(t, q, queue.Video, want)
	for receive(t, got).ID != want.ID {
		continue // the one that was in doubt may have been taken over
	}
}

// testConfirmHangs pauses the broker: a confirm that does not come is an error in time, and the message after it
// is not mistaken for the one before.
func testConfirmHangs(t *testing.T, server *servers.RabbitMQServer) {
	q := ready(t, open(t, Config{URL: server.VirtualHost(t), ConfirmWait: 2 * time.Second, ConnectWait: time.Second}))
	got := collect(t, q, queue.Video)
	publish(t, q, queue.Video, newHint())
	receive(t, got)
	server.Pause(t)
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	for _, ctx := range []context.Context{short, t.Context(), t.Context()} {
		if err := q.Publish(ctx, queue.Video, newHint()); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("publish gave %v, want %v", err, store.ErrUnavailable)
		}
	}
	if err := q.Check(t.Context()); err == nil {
		t.Error("check finds nothing wrong")
	}
	server.Continue(t)
	ready(t, q)
	want := newHint()
	publish(t, q, queue.Video, want)
	for receive(t, got).ID != want.ID {
		continue
	}
}

// testStopsWhenPaused leaves a broker that does not answer.
func testStopsWhenPaused(t *testing.T, server *servers.RabbitMQServer) {
	q := ready(t, open(t, Config{URL: server.VirtualHost(t)}))
	got := make(chan queue.Message, 1)
	stop := consume(t, q, queue.Video, 2, func(_ context.Context, message queue.Message) error {
		got <- message
		return nil
	})
	publish(t, q, queue.Video, newHint())
	receive(t, got)
	server.Pause(t)
	stop()
	closed := make(chan error, 1)
	go func() { closed <- q.Close() }()
	if err := receive(t, closed); err != nil {
		t.Error(err)
	}
	server.Continue(t)
}
