package cli

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
)

func TestWatchFollowsEvents(t *testing.T) {
	stream := []string{
		": beat\n", event(1, conversion.Queued, 0), event(2, conversion.Converting, 0), event(3, conversion.Converting, 0.41),
		event(4, conversion.Converting, 0.42), event(5, conversion.Completed, 1), event(6, conversion.Queued, 0),
	}
	server := fakeGateway(t, map[string]http.HandlerFunc{
		"GET /v1/conversions/" + testID + "/events": events(stream...),
		"GET /v1/conversions/" + testID:             answer(http.StatusOK, completed(testID, "talk.mp4")),
	})
	loggedIn(t, server.URL)
	ran := run(t, "watch", testID)
	ran.expect(t, exitDone)
	want := "queued\nconverting  0 %\nconverting  41 %\ncompleted\n"
	if got := strings.ReplaceAll(ran.out, testID+"  ", ""); got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
	ran = run(t, "watch", "--json", testID)
	ran.expect(t, exitDone)
	if got := strings.Count(ran.out, "\n"); got != 5 {
		t.Errorf("printed %q", ran.out)
	}
	for line := range strings.Lines(ran.out) {
		var e api.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.ID != testID {
			t.Errorf("%q: %v", line, err)
		}
	}
}

func TestWatchExitsAsTheConversionEnds(t *testing.T) {
	canceled := queued(testID, "talk.mp4")
	canceled.Status = conversion.Canceled
	tests := []struct {
		one  api.Conversion
		code int
		text string
	}{
		{completed(testID, "talk.mp4"), exitDone, ""},
		{failed(testID, "talk.mp4"), exitFailed, testID + " failed: The video has no sound: Add some."},
		{canceled, exitFailed, testID + " is canceled"},
	}
	for _, test := range tests {
		t.Run(string(test.one.Status), func(t *testing.T) {
			server := fakeGateway(t, map[string]http.HandlerFunc{
				"GET /v1/conversions/{id}/events": refuse(http.StatusNotFound, "no-such-route", "There are no events."),
				"GET /v1/conversions/{id}":        answer(http.StatusOK, test.one),
			})
			loggedIn(t, server.URL)
			run(t, "watch", testID).expect(t, test.code, test.text)
		})
	}
}

// watch is a watcher that does not wait, and what it reports.
func watch(t *testing.T, source eventSource) (*watcher, *[]conversion.Status) {
	t.Helper()
	w := (&remote{}).watcher(source, nil)
	w.pause = 0
	var got []conversion.Status
	w.report = func(e api.Event) { got = append(got, e.Status) }
	return w, &got
}

// open returns a source's stream that a handler serves.
func open(t *testing.T, handle http.HandlerFunc) func(context.Context, string) (*http.Response, error) {
	server := fakeGateway(t, map[string]http.HandlerFunc{"GET /events": handle})
	direct := newHTTPClient()
	t.Cleanup(direct.CloseIdleConnections)
	return func(ctx context.Context, last string) (*http.Response, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/events", http.NoBody)
		if err != nil {
			return nil, err
		}
		request.Header.Set("Last-Event-ID", last)
		return direct.Do(request)
	}
}

func unasked(context.Context) ([]api.Conversion, error) {
	return nil, errors.New("nobody should ask")
}

func TestBrokenStreamGoesOnWhereItBroke(t *testing.T) {
	var last []string
	streams := []http.HandlerFunc{
		events(event(1, conversion.Queued, 0), event(2, conversion.Converting, 0)), // ends early
		func(w http.ResponseWriter, r *http.Request) {
			events(event(3, conversion.Converting, 0))(w, r)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler) // breaks
		},
		events(event(4, conversion.Completed, 1)),
	}
	source := eventSource{only: testID, ask: unasked, open: open(t, func(w http.ResponseWriter, r *http.Request) {
		last = append(last, r.Header.Get("Last-Event-ID"))
		streams[len(last)-1](w, r)
	})}
	w, got := watch(t, source)
	if err := w.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"", "2", "3"}, last); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]conversion.Status{conversion.Queued, conversion.Converting, conversion.Completed}, *got); diff != "" {
		t.Error(diff)
	}
}

func TestWithoutEventsTheServerIsAsked(t *testing.T) {
	noStreams := map[string]http.HandlerFunc{
		"refused":      refuse(http.StatusTooManyRequests, "too-many-streams", "Close one."),
		"another kind": answer(http.StatusOK, "no events"),
		"silent":       events(),
	}
	for name, handle := range noStreams {
		t.Run(name, func(t *testing.T) {
			asked := 0
			source := eventSource{only: testID, open: open(t, handle), ask: func(context.Context) ([]api.Conversion, error) {
				asked++
				switch {
				case asked > 1 && asked < 5: // away for a while
					return nil, apiError(http.StatusServiceUnavailable)
				case asked < 7:
					return []api.Conversion{queued(testID, "talk.mp4")}, nil
				}
				return []api.Conversion{completed(testID, "talk.mp4")}, nil
			}}
			w, got := watch(t, source)
			if err := w.run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]conversion.Status{conversion.Queued, conversion.Completed}, *got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPollingGivesUp(t *testing.T) {
	tests := []struct {
		name   string
		met    bool
		status int
		asked  int
	}{
		{"when the server stays away", true, http.StatusBadGateway, maxMisses + 1},
		{"when it never was there", false, http.StatusBadGateway, 1},
		{"when it refuses", true, http.StatusUnauthorized, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			asked := 0
			w, _ := watch(t, eventSource{only: testID, ask: func(context.Context) ([]api.Conversion, error) {
				asked++
				return nil, apiError(test.status)
			}})
			w.met = test.met
			if err := w.poll(t.Context()); err == nil || asked != test.asked {
				t.Errorf("asked %d times, then %v", asked, err)
			}
		})
	}
}

func TestWatchingAllTellsNoOldNews(t *testing.T) {
	const second = "6b033c4259dafd7437a38152"
	ctx, cancel := context.WithCancel(t.Context())
	answers := [][]api.Conversion{
		{queued(testID, "a"), failed(second, "b")},
		{queued(testID, "a"), queued(second, "b")},
		{completed(testID, "a"), queued(second, "b")},
	}
	source := eventSource{
		open: open(t, refuse(http.StatusNotFound, "no-such-route", "There are no events.")),
		ask: func(context.Context) ([]api.Conversion, error) {
			if len(answers) == 0 {
				cancel()
				return nil, ctx.Err()
			}
			now := answers[0]
			answers = answers[1:]
			return now, nil
		},
	}
	w, got := watch(t, source)
	if err := w.run(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if diff := cmp.Diff([]conversion.Status{conversion.Queued, conversion.Queued, conversion.Completed}, *got); diff != "" {
		t.Error(diff)
	}
}

func TestInterruptedWatchEnds(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	server := fakeGateway(t, map[string]http.HandlerFunc{
		"GET /v1/events": func(w http.ResponseWriter, r *http.Request) {
			events(": beat\n")(w, r)
			_ = http.NewResponseController(w).Flush()
			cancel()
			<-r.Context().Done()
		},
	})
	loggedIn(t, server.URL)
	runWith(ctx, "", "watch").expect(t, exitInterrupted)
}

func TestReadEvents(t *testing.T) {
	tests := []struct {
		name, stream string
		want         []serverEvent
	}{
		{"two", "id: 1\ndata: a\n\nid: 2\ndata: b\n\n", []serverEvent{{"1", "a"}, {"2", "b"}}},
		{"without spaces, with other fields", "event:x\nretry:1\nid:1\ndata:a\n\n", []serverEvent{{"1", "a"}}},
		{"carriage returns", "id: 1\r\ndata: a\r\n\r\n", []serverEvent{{"1", "a"}}},
		{"the id stays", "id: 1\ndata: a\n\ndata: b\n\n", []serverEvent{{"1", "a"}, {"1", "b"}}},
		{"lines of data", "data: a\ndata: b\n\n", []serverEvent{{"", "a\nb"}}},
		{"comments and no data", ": beat\n\nid: 1\n\n", nil},
		{"an unfinished one", "data: a\n", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []serverEvent
			heard := 0
			err := readEvents(strings.NewReader(test.stream), func() { heard++ }, func(e serverEvent) error {
				got = append(got, e)
				return nil
			})
			if err != nil || heard != strings.Count(test.stream, "\n") {
				t.Errorf("heard %d lines, %v", heard, err)
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(serverEvent{})); diff != "" {
				t.Error(diff)
			}
		})
	}
	endless := strings.NewReader("data: " + strings.Repeat("x", 2*maxEvent))
	if err := readEvents(endless, func() {}, func(serverEvent) error { return nil }); err == nil {
		t.Error("a line of any length was read")
	}
}

func FuzzReadEvents(f *testing.F) {
	f.Add("id: 1\ndata: {}\n\n")
	f.Add(": beat\r\n\r\ndata\n\n")
	f.Fuzz(func(t *testing.T, stream string) {
		lines := strings.Count(stream, "\n") + 1
		events := 0
		_ = readEvents(strings.NewReader(stream), func() {}, func(serverEvent) error { events++; return nil })
		if events > lines/2 {
			t.Errorf("%d events in %d lines", events, lines)
		}
	})
}
