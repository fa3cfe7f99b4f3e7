package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"
	"time"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/api/client"
)

const (
	// maxEvent is more than any event has, in bytes.
	maxEvent = 64 << 10
	// silence is how long a stream may say nothing before it is taken for dead. A living one says
	// something every 15 seconds.
	silence = 45 * time.Second
)

// serverEvent is one server-sent event.
type serverEvent struct{ id, data string }

// readEvents reads a stream (https://html.spec.whatwg.org/multipage/server-sent-events.html) until it ends
// or emit returns an error. Heard is called for every line, comments too.
func readEvents(body io.Reader, heard func(), emit func(serverEvent) error) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, maxEvent)
	var event serverEvent
	var data []string
	for lines.Scan() {
		heard()
		name, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case lines.Text() == "" && data != nil:
			event.data = strings.Join(data, "\n")
			if err := emit(event); err != nil {
				return err
			}
			data = nil
		case name == "data":
			data = append(data, value)
		case name == "id":
			event.id = value
		}
	}
	return lines.Err()
}

// errEnded ends a stream whose conversion has ended.
var errEnded = errors.New("the conversion has ended")

// stream follows the server's events until they end. It tells whether anything came at all.
func (w *watcher) stream(ctx context.Context) (alive bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watchdog := time.AfterFunc(headerTime, cancel)
	defer watchdog.Stop()
	response, err := client.Check(w.source.open(ctx, w.last))
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	w.met = true
	if media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); media != "text/event-stream" {
		return false, fmt.Errorf("the server sends %q instead of events", media)
	}
	heard := func() {
		alive = true
		watchdog.Reset(silence)
	}
	watchdog.Reset(silence)
	err = readEvents(response.Body, heard, w.receive)
	return alive, err
}

// receive takes one event of a stream.
func (w *watcher) receive(event serverEvent) error {
	var parsed api.Event
	if err := json.Unmarshal([]byte(event.data), &parsed); err != nil {
		return fmt.Errorf("read an event: %w", err)
	}
	w.last = event.id
	w.note(parsed)
	if w.ended {
		return errEnded
	}
	return nil
}
