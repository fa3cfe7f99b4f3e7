package cli

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/api/client"
)

const (
	pollPause = time.Second
	// maxMisses is how often in a row a server may fail to answer before it is given up.
	maxMisses = 30
)

// watcher tells of changes: by the server's events while they come, and otherwise by asking.
type watcher struct {
	source eventSource
	pause  time.Duration // between two questions, and between two streams
	report func(api.Event)

	last  string               // the id of the last event of a stream
	seen  map[string]api.Event // the last of each conversion
	ended bool
	met   bool // the server has answered
}

// eventSource is what is watched.
type eventSource struct {
	only string // the one conversion, or "" for all
	open func(ctx context.Context, last string) (*http.Response, error)
	ask  func(ctx context.Context) ([]api.Conversion, error)
}

func (r *remote) watcher(source eventSource, report func(api.Event)) *watcher {
	return &watcher{source: source, pause: pollPause, report: report, seen: map[string]api.Event{}, met: r.met}
}

// run watches until the one conversion ends, or for all of them until the context does.
func (w *watcher) run(ctx context.Context) error {
	for {
		alive, err := w.stream(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case w.ended:
			return nil
		case !alive || err != nil && !passing(err):
			return w.poll(ctx)
		}
		if err := sleep(ctx, w.pause); err != nil {
			return err
		}
	}
}

// poll asks again and again. It bears with a server that is away for a while, if it ever was there.
func (w *watcher) poll(ctx context.Context) error {
	first := w.last == ""
	for misses := 0; ; {
		conversions, err := w.source.ask(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			misses, w.met = 0, true
			w.compare(conversions, first)
			first = false
		case !w.met || !passing(err) || misses == maxMisses:
			return err
		default:
			misses++
		}
		if w.ended {
			return nil
		}
		if err := sleep(ctx, w.pause); err != nil {
			return err
		}
	}
}

// compare notes what has changed. At first sight, what has ended long ago is no news to who watches all.
func (w *watcher) compare(conversions []api.Conversion, first bool) {
	for i := range conversions {
		one := &conversions[i]
		event := api.Event{ID: one.ID, Status: one.Status, Progress: one.Progress, At: time.Now().UTC()}
		if first && w.source.only == "" && one.Status.Terminal() {
			w.seen[one.ID] = event
			continue
		}
		w.note(event)
	}
}

// note reports an event unless it says nothing new.
func (w *watcher) note(event api.Event) {
	before, known := w.seen[event.ID]
	w.seen[event.ID] = event
	if !known || before.Status != event.Status || before.Progress != event.Progress {
		w.report(event)
	}
	w.ended = w.ended || (event.ID == w.source.only && event.Status.Terminal())
}

// passing tells whether an error may go away by itself: a lost connection, a server that starts again.
func passing(err error) bool {
	if refused, ok := errors.AsType[*client.Error](err); ok {
		return refused.Problem.Status >= 500 || refused.Problem.Status == http.StatusTooManyRequests
	}
	_, lost := errors.AsType[*url.Error](err)
	return lost || isBroken(err)
}

// follow watches one conversion until it ends and returns how it then stands.
func (r *remote) follow(ctx context.Context, id string, report func(api.Event)) (api.Conversion, error) {
	get := func(ctx context.Context) (api.Conversion, error) {
		return client.Decode[api.Conversion](r.GetConversion(ctx, id))
	}
	source := eventSource{
		only: id,
		open: func(ctx context.Context, last string) (*http.Response, error) {
			return r.WatchConversion(ctx, id, &api.WatchConversionParams{LastEventID: nonEmpty(last)})
		},
		ask: func(ctx context.Context) ([]api.Conversion, error) {
			one, err := get(ctx)
			return []api.Conversion{one}, err
		},
	}
	if err := r.watcher(source, report).run(ctx); err != nil {
		return api.Conversion{}, r.explain(err)
	}
	one, err := get(ctx)
	return one, r.explain(err)
}

// followAll watches every conversion until the context ends.
func (r *remote) followAll(ctx context.Context, report func(api.Event)) error {
	limit := maxPage
	source := eventSource{
		open: func(ctx context.Context, last string) (*http.Response, error) {
			return r.WatchConversions(ctx, &api.WatchConversionsParams{LastEventID: nonEmpty(last)})
		},
		ask: func(ctx context.Context) ([]api.Conversion, error) {
			list, err := client.Decode[api.ConversionList](r.ListConversions(ctx, &api.ListConversionsParams{Limit: &limit}))
			return list.Conversions, err
		},
	}
	return r.explain(r.watcher(source, report).run(ctx))
}

func nonEmpty(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
