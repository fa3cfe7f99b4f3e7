package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/store/ledger"
)

// beat is how often a silent stream shows that it lives, and looks into the ledger for events that were lost.
const beat = 15 * time.Second

// WatchConversion implements GET /v1/conversions/{id}/events.
func (g *Gateway) WatchConversion(w http.ResponseWriter, r *http.Request, text api.ID, _ api.WatchConversionParams) {
	claims, id, ok := g.identify(w, r, text)
	if !ok {
		return
	}
	if _, err := g.ledger.Get(r.Context(), claims.UserID, id); err != nil {
		g.fail(w, r, err)
		return
	}
	g.watch(w, r, claims.UserID, id, func(ctx context.Context) ([]ledger.Record, error) {
		record, err := g.ledger.Get(ctx, claims.UserID, id)
		if errors.Is(err, ledger.ErrNotFound) {
			gone := ledger.Record{Conversion: conversion.Conversion{ID: id, Status: conversion.Deleted}}
			return []ledger.Record{gone}, nil
		}
		return []ledger.Record{record}, err
	})
}

// WatchConversions implements GET /v1/events. A client that comes back with Last-Event-ID is told how
// everything stands that it may have missed.
func (g *Gateway) WatchConversions(w http.ResponseWriter, r *http.Request, params api.WatchConversionsParams) {
	claims, ok := g.authenticate(w, r)
	if !ok {
		return
	}
	since := lastEvent(params.LastEventID)
	g.watch(w, r, claims.UserID, "", func(ctx context.Context) ([]ledger.Record, error) {
		return g.changedSince(ctx, claims.UserID, since)
	})
}

// slack is how much later than the change itself an event may be, on clocks that differ a little. Telling twice costs
// nothing.
const slack = 10 * time.Second

// lastEvent is since when changes may have been missed by whoever has seen the event with this id, which is its
// time in Unix microseconds. Without one, nothing was missed.
func lastEvent(id *string) time.Time {
	if id == nil {
		return time.Now()
	}
	micros, err := strconv.ParseInt(*id, 10, 64)
	if err != nil {
		return time.Now()
	}
	return time.UnixMicro(micros).Add(-slack)
}

// maxMissed is how many of an owner's newest conversions are looked at for what a stream has missed.
const maxMissed = 200

func (g *Gateway) changedSince(ctx context.Context, owner string, since time.Time) ([]ledger.Record, error) {
	records, err := g.ledger.List(ctx, ledger.Query{Owner: owner, Limit: maxMissed})
	if err != nil {
		return nil, err
	}
	var changed []ledger.Record
	for _, record := range records {
		if !record.Status.Terminal() || record.FinishedAt.After(since) {
			changed = append(changed, record)
		}
	}
	tombstones, err := g.ledger.List(ctx, ledger.Query{Owner: owner, Status: conversion.Deleted, Limit: maxMissed})
	for _, record := range tombstones {
		seen := !record.QueuedAt.IsZero() // else its upload broke off, and nobody was told of it
		if seen && g.ledger.BuriedAt(record).After(since) {
			changed = append(changed, record)
		}
	}
	return changed, err
}

// watch streams an owner's events until the client goes, the gateway stops or, for one conversion, it ends.
// Snapshot says how things stand: it is sent first, and where it differs from what was sent last.
func (g *Gateway) watch(w http.ResponseWriter, r *http.Request, owner string, only conversion.ID, snapshot func(context.Context) ([]ledger.Record, error)) {
	stream := g.hub.open(owner, only)
	if stream == nil {
		g.problem(w, r, tooManyStreams())
		return
	}
	defer g.hub.close(owner, stream)
	first, err := snapshot(r.Context())
	if err != nil {
		g.fail(w, r, err)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no")

	out := &eventWriter{out: httpx.NewRollingWriter(w, patience), sent: map[conversion.ID]conversion.Status{}}
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	err = out.records(first)
	for err == nil && !out.ended(only) {
		select {
		case <-r.Context().Done():
			return
		case <-g.stopping:
			return
		case <-stream.ready:
			err = out.events(stream.take())
		case <-ticker.C:
			err = out.comment("beat")
			// While the ledger is away the stream lives on events alone; all clients at once coming back would not help.
			if now, away := snapshot(r.Context()); away == nil {
				err = errors.Join(err, out.changed(now))
			}
		}
	}
}

// eventWriter writes server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).
type eventWriter struct {
	out  *httpx.RollingWriter
	sent map[conversion.ID]conversion.Status
}

func (e *eventWriter) records(records []ledger.Record) error {
	events := make([]conversion.Event, 0, len(records))
	for _, record := range records {
		events = append(events, conversion.Event{ID: record.ID, Status: record.Status, Progress: record.Progress, At: time.Now().UTC()})
	}
	return e.events(events)
}

// changed writes the records whose status is not the one that was sent last.
func (e *eventWriter) changed(records []ledger.Record) error {
	var changed []ledger.Record
	for _, record := range records {
		if e.sent[record.ID] != record.Status {
			changed = append(changed, record)
		}
	}
	return e.records(changed)
}

func (e *eventWriter) events(events []conversion.Event) error {
	for _, event := range events {
		name := "status"
		if e.sent[event.ID] == event.Status {
			name = "progress"
		}
		e.sent[event.ID] = event.Status
		data, err := json.Marshal(api.Event{ID: string(event.ID), Status: event.Status, Progress: event.Progress, At: event.At})
		if err != nil {
			return fmt.Errorf("encode event: %w", err)
		}
		if _, err := fmt.Fprintf(e.out, "id: %d\nevent: %s\ndata: %s\n\n", event.At.UnixMicro(), name, data); err != nil {
			return err
		}
	}
	return e.out.Flush()
}

func (e *eventWriter) comment(text string) error {
	_, err := fmt.Fprintf(e.out, ": %s\n\n", text)
	return errors.Join(err, e.out.Flush())
}

// ended tells whether the stream's only conversion has come to its end.
func (e *eventWriter) ended(only conversion.ID) bool {
	return only != "" && e.sent[only].Terminal()
}
