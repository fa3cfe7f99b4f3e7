package rabbitmq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rabbitmq/amqp091-go"
	"go.uber.org/goleak"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/queue"
	"github.com/unreel/unreel/internal/queue/queuetest"
	"github.com/unreel/unreel/internal/store"
	"github.com/unreel/unreel/internal/telemetry/logtest"
	"github.com/unreel/unreel/test/servers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(servers.M{M: m}) }

// patience is how long a test waits for what must happen.
const patience = time.Minute

func TestQueue(t *testing.T) {
	queuetest.Run(t, func(t *testing.T) queue.Queue { return ready(t, open(t, Config{URL: servers.RabbitMQ(t)})) })
}

func open(t *testing.T, config Config) *Queue {
	t.Helper()
	return openLogged(t, config, slog.DiscardHandler)
}

func openLogged(t *testing.T, config Config, handler slog.Handler) *Queue {
	t.Helper()
	q, err := New(config, slog.New(handler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.Close() })
	return q
}

// ready waits until hints can be sent.
func ready(t *testing.T, q *Queue) *Queue {
	t.Helper()
	eventually(t, func() error { return q.Check(t.Context()) })
	return q
}

// eventually asks until the answer is nil.
func eventually(t *testing.T, ask func() error) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		err := ask()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %v", err)
		}
		select {
		case <-t.Context().Done():
			t.Fatal("the test is over")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(patience):
		t.Fatal("waited in vain")
		panic("unreachable")
	}
}

// consume runs Consume until the test ends or the returned function is called.
func consume(t *testing.T, q *Queue, topic queue.Topic, slots int, handler queue.Handler) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- q.Consume(ctx, topic, slots, handler) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := receive(t, done); err != nil {
			t.Errorf("consume: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func collect(t *testing.T, q *Queue, topic queue.Topic) <-chan queue.Message {
	t.Helper()
	got := make(chan queue.Message, 1000)
	consume(t, q, topic, 1, func(_ context.Context, message queue.Message) error {
		got <- message
		return nil
	})
	return got
}

func newHint() queue.Message {
	id := conversion.NewID(time.Now())
	return queue.Message{VideoID: id, ID: id, Username: "ada@example.com"}
}

func publish(t *testing.T, q *Queue, topic queue.Topic, message queue.Message) {
	t.Helper()
	if err := q.Publish(t.Context(), topic, message); err != nil {
		t.Fatal(err)
	}
}

// stranger is another program on the same virtual host.
func stranger(t *testing.T, address string) *amqp091.Channel {
	t.Helper()
	connection, err := amqp091.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	channel, err := connection.Channel()
	if err != nil {
		t.Fatal(err)
	}
	return channel
}

func depth(t *testing.T, q *Queue, name string) int {
	t.Helper()
	depths, err := q.Depths(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return depths[name]
}

func awaitDepth(t *testing.T, q *Queue, name string, want int) {
	t.Helper()
	eventually(t, func() error {
		if got := depth(t, q, name); got != want {
			return errors.New("the depth is another")
		}
		return nil
	})
}

func TestNewRefusesURLs(t *testing.T) {
	for _, address := range []string{
		"", "http://host", "amqp://ada:se cret@host", "amqp://ada:sec#ret@host", "amqp://ada:secret@host:port",
		"amqp://ada:secret%@host", "amqp://ada:secret@host?heartbeat=secret",
	} {
		q, err := New(Config{URL: address}, slog.New(slog.DiscardHandler))
		if err == nil {
			q.Close()
			t.Errorf("%s gave no error", address)
			continue
		}
		if strings.Contains(err.Error(), "sec") || !strings.Contains(err.Error(), "amqp://") {
			t.Errorf("%s: the error shows a secret, or no remedy: %v", address, err)
		}
	}
}

// TestBrokerIsAway uses a queue whose broker is not there.
func TestBrokerIsAway(t *testing.T) {
	var log logtest.Buffer
	q := openLogged(t, Config{URL: "amqp://ada:secret@127.0.0.1:1/", ConnectWait: 300 * time.Millisecond}, handler(&log))
	if err := q.Publish(t.Context(), queue.Video, newHint()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("publish gave %v, want %v", err, store.ErrUnavailable)
	}
	if err := q.Check(t.Context()); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("check gave %v", err)
	}
	if err := q.Announce(t.Context(), conversion.Event{}); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("announce gave %v, want %v", err, store.ErrUnavailable)
	}
	stop := consume(t, q, queue.Video, 2, func(context.Context, queue.Message) error { return nil })
	if _, err := q.Depths(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("depths gave %v, want %v", err, store.ErrUnavailable)
	}
	stop()
	if lines := lines(&log); len(lines) != 1 || !strings.Contains(lines[0], "refused") || strings.Contains(lines[0], "secret") {
		t.Errorf("want one line that says what is wrong, got:\n%s", strings.Join(lines, "\n"))
	}
}

func handler(log *logtest.Buffer) slog.Handler { return slog.NewTextHandler(log, nil) }

func lines(log *logtest.Buffer) []string {
	return strings.Split(strings.TrimSpace(log.String()), "\n")
}

// TestMessages looks at what other programs see in the queues.
func TestMessages(t *testing.T) {
	address := servers.RabbitMQ(t)
	q := ready(t, open(t, Config{URL: address}))
	channel := stranger(t, address)
	for topic, kind := range map[queue.Topic]string{queue.Video: "conversion.queued", queue.MP3: "conversion.ended"} {
		want := newHint()
		publish(t, q, topic, want)
		got, ok, err := channel.Get(string(topic), true)
		if err != nil || !ok {
			t.Fatalf("get from %s: %t, %v", topic, ok, err)
		}
		var body queue.Message
		if err := json.Unmarshal(got.Body, &body); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, body); diff != "" {
			t.Errorf("body (-want +got):\n%s", diff)
		}
		if got.DeliveryMode != amqp091.Persistent || got.ContentType != "application/json" || got.MessageId == "" ||
			got.Type != kind || got.Timestamp.IsZero() {
			t.Errorf("%s: properties %+v", topic, got)
		}
	}
}

// TestFirstVersion has a program send what the first version of this system sends, and a field of a later one.
func TestFirstVersion(t *testing.T) {
	address := servers.RabbitMQ(t)
	q := ready(t, open(t, Config{URL: address}))
	channel := stranger(t, address)
	for _, body := range []string{
		`{"video_fid": "6b033c4259dafd7437a38151", "mp3_fid": null, "username": "a@b.c"}`,
		`{"video_fid": "6b033c4259dafd7437a38151", "mp3_fid": null, "username": "a@b.c", "future": {"a": [1]}}`,
	} {
		message := amqp091.Publishing{DeliveryMode: amqp091.Persistent, Body: []byte(body)}
		if err := channel.Publish("", "video", false, false, message); err != nil {
			t.Fatal(err)
		}
	}
	got := collect(t, q, queue.Video)
	for range 2 {
		want := queue.Message{VideoID: "6b033c4259dafd7437a38151", Username: "a@b.c"}
		if diff := cmp.Diff(want, receive(t, got)); diff != "" {
			t.Errorf("message (-want +got):\n%s", diff)
		}
	}
}

// TestUnroutable takes the queue away: a message that would be swallowed is an error, and the queue comes back.
func TestUnroutable(t *testing.T) {
	address := servers.RabbitMQ(t)
	q := ready(t, open(t, Config{URL: address}))
	got := collect(t, q, queue.Video)
	publish(t, q, queue.Video, newHint())
	receive(t, got)
	if _, err := stranger(t, address).QueueDelete("mp3", false, false, false); err != nil {
		t.Fatal(err)
	}
	err := q.Publish(t.Context(), queue.MP3, newHint())
	if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "mp3") {
		t.Errorf("publish gave %v, want %v and the queue's name", err, store.ErrUnavailable)
	}
	publish(t, q, queue.MP3, newHint())
	receive(t, collect(t, q, queue.MP3))
}

// TestQueueIsTakenFromConsumer deletes the queue under a consumer, which has it made again.
func TestQueueIsTakenFromConsumer(t *testing.T) {
	address := servers.RabbitMQ(t)
	q := ready(t, open(t, Config{URL: address}))
	got := collect(t, q, queue.Video)
	publish(t, q, queue.Video, newHint())
	receive(t, got)
	if _, err := stranger(t, address).QueueDelete("video", false, false, false); err != nil {
		t.Fatal(err)
	}
	want := newHint()
	eventually(t, func() error { return q.Publish(t.Context(), queue.Video, want) })
	if diff := cmp.Diff(want, receive(t, got)); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
}

// TestOtherArguments finds a queue, and an exchange, of another kind: nothing is done to it, and when the operator
// has deleted it, the work begins.
func TestOtherArguments(t *testing.T) {
	for name, other := range map[string]struct{ spoil, mend func(*amqp091.Channel) error }{
		"mp3.dead": {
			func(c *amqp091.Channel) error {
				_, err := c.QueueDeclare("mp3.dead", true, false, false, false, nil)
				return err
			},
			func(c *amqp091.Channel) error {
				_, err := c.QueueDelete("mp3.dead", false, false, false)
				return err
			},
		},
		exchange: {
			func(c *amqp091.Channel) error {
				return c.ExchangeDeclare(exchange, "direct", true, false, false, false, nil)
			},
			func(c *amqp091.Channel) error { return c.ExchangeDelete(exchange, false, false) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			address := servers.RabbitMQ(t)
			if err := other.spoil(stranger(t, address)); err != nil {
				t.Fatal(err)
			}
			q := open(t, Config{URL: address})
			got := collect(t, q, queue.Video)
			eventually(t, func() error {
				err := q.Check(t.Context())
				for _, want := range []string{"UNREEL_QUEUE", `"` + name + `"`, "inequivalent"} {
					if err == nil || !strings.Contains(err.Error(), want) {
						return fmt.Errorf("check gave %w, which lacks %s", err, want)
					}
				}
				return nil
			})
			if err := other.spoil(stranger(t, address)); err != nil {
				t.Errorf("what was there is not as it was: %v", err)
			}
			if err := other.mend(stranger(t, address)); err != nil {
				t.Fatal(err)
			}
			want := newHint()
			eventually(t, func() error { return q.Publish(t.Context(), queue.Video, want) })
			if diff := cmp.Diff(want, receive(t, got)); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLongHandler has one run past AckAfter: the hint is settled, and the slot takes no other until it returns.
func TestLongHandler(t *testing.T) {
	address := servers.RabbitMQ(t)
	q := ready(t, open(t, Config{URL: address, AckAfter: 50 * time.Millisecond}))
	started, release := make(chan queue.Message, 10), make(chan struct{})
	unblock := sync.OnceFunc(func() { close(release) })
	stop := consume(t, q, queue.Video, 1, func(_ context.Context, message queue.Message) error {
		started <- message
		<-release
		return nil
	})
	t.Cleanup(unblock)
	first, second := newHint(), newHint()
	publish(t, q, queue.Video, first)
	publish(t, q, queue.Video, second)
	receive(t, started)
	// A queue without consumers can be deleted "if unused": that is how a stranger sees that the slot has let go.
	channel := stranger(t, address)
	eventually(t, func() error {
		state, err := channel.QueueDeclarePassive("video", true, false, false, false, quorum)
		if err == nil && state.Consumers > 0 {
			err = errors.New("the slot still consumes")
		}
		return err
	})
	awaitDepth(t, q, "video", 1) // the second one waits, the first one is gone
	select {
	case <-started:
		t.Fatal("the slot took another hint while its handler ran")
	case <-time.After(100 * time.Millisecond): // long enough to catch a slot that goes on
	}
	unblock()
	if got := receive(t, started); got.ID != second.ID {
		t.Errorf("after the long one came %s, want %s", got.ID, second.ID)
	}
	stop()
	awaitDepth(t, q, "video", 0)
	if len(started) > 0 {
		t.Errorf("%s came again", (<-started).ID)
	}
}

func TestPauseGrows(t *testing.T) {
	for failures, most := range map[int]time.Duration{0: minPause, 1: 2 * minPause, 3: 8 * minPause, 100: maxPause} {
		for range 100 {
			if got := pause(failures); got < most/2 || got > most {
				t.Errorf("after %d failures the pause is %v, want from %v to %v", failures, got, most/2, most)
			}
		}
	}
}
