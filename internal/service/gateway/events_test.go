package gateway

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/ledger"
)

// queued brings a conversion of Ada's as far as an upload does.
func (w *world) queued() conversion.ID {
	w.Helper()
	id := conversion.NewID(time.Now())
	_, err := w.ledger.Receive(w.Context(), ledger.Upload{ID: id, Owner: w.ada.UserID, Name: "talk.mp4"})
	w.must(err)
	_, err = w.ledger.Accept(w.Context(), id, 5, "")
	w.must(err)
	return id
}

// listener reads one event stream.
type listener struct {
	*world
	lines *bufio.Scanner
	close func()
}

func (w *world) listen(path, lastID string) *listener {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	request, err := http.NewRequestWithContext(ctx, "GET", w.server.URL+path, nil)
	w.must(err)
	request.Header.Set("Authorization", "Bearer "+w.token)
	if lastID != "" {
		request.Header.Set("Last-Event-ID", lastID)
	}
	response, err := w.server.Client().Do(request)
	w.must(err)
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" {
		w.Fatalf("got %s", response.Status)
	}
	l := &listener{world: w, lines: bufio.NewScanner(response.Body), close: func() { cancel(); response.Body.Close() }}
	w.Cleanup(l.close)
	return l
}

// next is the next event; ok is false when the stream has ended in good order.
func (l *listener) next() (id, name string, event api.Event, ok bool) {
	l.Helper()
	for l.lines.Scan() {
		field, value, _ := strings.Cut(l.lines.Text(), ": ")
		switch field {
		case "id":
			id = value
		case "event":
			name = value
		case "data":
			l.must(json.Unmarshal([]byte(value), &event))
		case "":
			if name != "" {
				return id, name, event, true
			}
		}
	}
	l.must(l.lines.Err())
	return "", "", api.Event{}, false
}

func (l *listener) want(name string, status conversion.Status, progress float64) (id string) {
	l.Helper()
	id, gotName, got, ok := l.next()
	if !ok || gotName != name || got.Status != status || got.Progress != progress {
		l.Fatalf("heard %s %+v, %v; want %s %s %v", gotName, got, ok, name, status, progress)
	}
	return id
}

func (w *world) tell(id conversion.ID, status conversion.Status, progress float64) {
	w.Helper()
	w.hub.hear(conversion.Event{ID: id, Owner: w.ada.UserID, Status: status, Progress: progress, At: time.Now()})
}

func TestWatchOne(t *testing.T) {
	w := newWorld(t)
	id, other := w.queued(), w.queued()
	l := w.listen("/v1/conversions/"+string(id)+"/events", "")
	l.want("status", conversion.Queued, 0)
	w.tell(other, conversion.Failed, 0)
	w.tell(id, conversion.Converting, 0)
	l.want("status", conversion.Converting, 0)
	w.tell(id, conversion.Converting, 0.5)
	l.want("progress", conversion.Converting, 0.5)
	w.tell(id, conversion.Completed, 1)
	l.want("status", conversion.Completed, 1)
	if _, _, event, ok := l.next(); ok {
		t.Errorf("heard %+v after the end", event)
	}
	w.eventually("the stream to be forgotten", func() bool {
		w.hub.mutex.Lock()
		defer w.hub.mutex.Unlock()
		return len(w.hub.streams) == 0
	})
}

// TestWatchMissed comes back after an event that was lost on the way, from a clock that is a little ahead.
func TestWatchMissed(t *testing.T) {
	w := newWorld(t)
	id := w.queued()
	l := w.listen("/v1/events", "")
	last := l.want("status", conversion.Queued, 0)
	l.close()
	if _, err := w.ledger.Cancel(t.Context(), w.ada.UserID, id); err != nil {
		t.Fatal(err)
	}
	micros, err := strconv.ParseInt(last, 10, 64)
	w.must(err)
	w.listen("/v1/events", strconv.FormatInt(micros+time.Second.Microseconds(), 10)).want("status", conversion.Canceled, 0)

	if _, err := w.ledger.Delete(t.Context(), w.ada.UserID, id); err != nil {
		t.Fatal(err)
	}
	w.listen("/v1/events", last).want("status", conversion.Deleted, 0)

	// Whoever is new is not told what ended long ago, and whoever makes up an id gets no error.
	fresh := w.queued()
	for _, lastID := range []string{"", "x", "99999999999999999999"} {
		if _, _, event, _ := w.listen("/v1/events", lastID).next(); event.ID != string(fresh) {
			t.Errorf("after %q heard %+v", lastID, event)
		}
	}
}

// TestWatchEndsWithTheGateway lets an HTTP server be drained.
func TestWatchEndsWithTheGateway(t *testing.T) {
	w := newWorld(t)
	w.queued()
	l := w.listen("/v1/events", "")
	l.want("status", conversion.Queued, 0)
	w.stop()
	if _, _, event, ok := l.next(); ok {
		t.Errorf("heard %+v", event)
	}
}

func TestWatchRefused(t *testing.T) {
	w := newWorld(t)
	response, body := w.do("GET", "/v1/conversions/"+string(conversion.NewID(time.Now()))+"/events", nil)
	w.wantProblem(response, body, 404, "not-found")
	for range maxStreams {
		w.hub.open(w.ada.UserID, "")
	}
	response, body = w.do("GET", "/v1/events", nil)
	w.wantProblem(response, body, 429, "too-many-streams")
	for header, want := range map[string]string{
		"Retry-After": "10", "RateLimit": `"streams";r=0;t=10`, "RateLimit-Policy": `"streams";q=32;qu="concurrent-requests"`,
	} {
		if got := response.Header.Get(header); got != want {
			t.Errorf("%s is %q, want %q", header, got, want)
		}
	}
}
