package rabbitmq

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rabbitmq/amqp091-go"

	"github.com/unreel/unreel/internal/queue"
	"github.com/unreel/unreel/test/servers"
)

// TestPoison sends what is no hint: it is set aside as it was, with a reason, and others are handled.
func TestPoison(t *testing.T) {
	address := servers.RabbitMQ(t)
	q := ready(t, open(t, Config{URL: address}))
	channel := stranger(t, address)
	poison := map[string]string{
		"id-1": "\xff\x00 no JSON", "id-2": "[]", "id-3": `{"video_fid": 7}`, "id-4": `{"options": {"start": "soon"}}`,
	}
	for id, body := range poison {
		err := channel.Publish("", "video", true, false, amqp091.Publishing{
			Body: []byte(body), MessageId: id, Type: "odd", Expiration: "100000000", UserId: "unreel",
			Headers: amqp091.Table{"traceparent": "00-1-1-00", "nested": amqp091.Table{"list": []any{int32(1), "b"}}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	got := collect(t, q, queue.Video)
	want := newHint()
	publish(t, q, queue.Video, want)
	if diff := cmp.Diff(want, receive(t, got)); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	awaitDepth(t, q, "video.dead", len(poison))
	for range poison {
		d, ok, err := channel.Get("video.dead", true)
		if err != nil || !ok {
			t.Fatalf("get: %t, %v", ok, err)
		}
		if string(d.Body) != poison[d.MessageId] || d.Type != "odd" || d.DeliveryMode != amqp091.Persistent || d.Expiration != "" {
			t.Errorf("%s was set aside as %+v", d.MessageId, d)
		}
		if reason, _ := d.Headers["unreel-reason"].(string); !strings.Contains(reason, "not a hint") {
			t.Errorf("%s: reason %q", d.MessageId, reason)
		}
		delete(d.Headers, "unreel-reason")
		delete(d.Headers, "unreel-time")
		delete(d.Headers, "x-delivery-count") // the broker's, of this very delivery
		headers := amqp091.Table{"traceparent": "00-1-1-00", "nested": amqp091.Table{"list": []any{int32(1), "b"}}}
		if diff := cmp.Diff(headers, d.Headers); diff != "" {
			t.Errorf("%s: headers (-want +got):\n%s", d.MessageId, diff)
		}
	}
}

// reject sets aside as many hints as it is told, and returns them.
func reject(t *testing.T, q *Queue, count int) []queue.Message {
	t.Helper()
	stop := consume(t, q, queue.MP3, 1, func(_ context.Context, message queue.Message) error {
		return fmt.Errorf("%w: nobody knows %s", queue.ErrReject, message.ID)
	})
	defer stop()
	var hints []queue.Message
	for range count {
		hints = append(hints, newHint())
		publish(t, q, queue.MP3, hints[len(hints)-1])
	}
	awaitDepth(t, q, "mp3.dead", count)
	return hints
}

func TestDeadLettersCanBeRead(t *testing.T) {
	began := time.Now().Truncate(time.Second)
	q := ready(t, open(t, Config{URL: servers.RabbitMQ(t)}))
	hints := reject(t, q, 3)
	for limit, want := range map[int]int{0: 3, 2: 2, 9: 3} { // each sees what the one before has seen
		letters, err := q.Dead(t.Context(), queue.MP3, limit)
		if err != nil {
			t.Fatal(err)
		}
		if len(letters) != want {
			t.Errorf("%d letters with limit %d, want %d", len(letters), limit, want)
		}
		for i, letter := range letters {
			message, err := decode(letter.Body)
			if err != nil || message.ID != hints[i].ID || !strings.Contains(letter.Reason, string(hints[i].ID)) ||
				letter.ID == "" || letter.Topic != queue.MP3 || letter.At.Before(began) {
				t.Errorf("letter %d is %+v (%v)", i, letter, err)
			}
		}
	}
	awaitDepth(t, q, "mp3.dead", 3) // what is given back is not counted at once
	want := map[string]int{"video": 0, "mp3": 0, "video.dead": 0, "mp3.dead": 3}
	depths, err := q.Depths(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, depths); diff != "" {
		t.Errorf("depths (-want +got):\n%s", diff)
	}
	if _, err := q.Dead(t.Context(), "mp3.dead", 1); err == nil {
		t.Error("a topic that there is not gave no error")
	}
}

func TestReplay(t *testing.T) {
	q := ready(t, open(t, Config{URL: servers.RabbitMQ(t)}))
	hints := reject(t, q, 3)
	letters, err := q.Dead(t.Context(), queue.MP3, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := collect(t, q, queue.MP3)
	if n, err := q.Replay(t.Context(), queue.MP3, letters[1].ID, "another"); n != 1 || err != nil {
		t.Errorf("replayed %d: %v, want 1", n, err)
	}
	if diff := cmp.Diff(hints[1], receive(t, got)); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
	if n, err := q.Replay(t.Context(), queue.MP3); n != 2 || err != nil {
		t.Errorf("replayed %d: %v, want 2", n, err)
	}
	for _, want := range []queue.Message{hints[0], hints[2]} {
		if diff := cmp.Diff(want, receive(t, got)); diff != "" {
			t.Errorf("message (-want +got):\n%s", diff)
		}
	}
	awaitDepth(t, q, "mp3.dead", 0)
	if n, err := q.Replay(t.Context(), queue.MP3); n != 0 || err != nil {
		t.Errorf("replayed %d: %v, want none", n, err)
	}
}

// TestReplayOnce replays what is rejected again at once: it must not go round for ever.
func TestReplayOnce(t *testing.T) {
	q := ready(t, open(t, Config{URL: servers.RabbitMQ(t)}))
	reject(t, q, 3)
	consume(t, q, queue.MP3, 1, func(context.Context, queue.Message) error { return queue.ErrReject })
	for range 3 {
		if n, err := q.Replay(t.Context(), queue.MP3); n != 3 || err != nil {
			t.Fatalf("replayed %d: %v, want 3", n, err)
		}
		awaitDepth(t, q, "mp3.dead", 3)
	}
}
