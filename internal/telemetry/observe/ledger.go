package observe

import (
	"context"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/queue"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/ledger"
	"github.com/unreel/unreel/internal/store/users"
	"github.com/unreel/unreel/internal/telemetry"
)

// answers are errors that say how things are and not that something went wrong.
var answers = []error{
	ledger.ErrNotFound, ledger.ErrConflict, ledger.ErrHeld, ledger.ErrStale, ledger.ErrExpired, ledger.ErrKeyInUse,
	users.ErrNotFound, users.ErrTaken, blob.ErrNotFound, queue.ErrReject,
}

// Ledger watches a ledger's store. Whatever becomes of a conversion is a change of its record, so this is the one place
// where attempts, failures and mails are counted: each by the process that has written the change, and once.
func Ledger(kept ledger.Store, by *telemetry.Telemetry) ledger.Store {
	return &ledgerStore{kept, eye{by, "database"}}
}

type ledgerStore struct {
	ledger.Store
	eye eye
}

// Insert implements ledger.Store. The record remembers the trace that it was made in, or begins one.
func (s *ledgerStore) Insert(ctx context.Context, build func(now time.Time) ledger.Record) (ledger.Record, error) {
	ctx = telemetry.WithTrace(ctx)
	place := telemetry.Traceparent(ctx)
	ctx, end := s.eye.look(ctx, "ledger.insert", "")
	record, err := s.Store.Insert(ctx, func(now time.Time) ledger.Record {
		built := build(now)
		built.Trace = place
		return built
	})
	end(err)
	if err == nil && record.Status == conversion.Queued {
		s.eye.Metrics.Accepted.Inc()
	}
	return record, err
}

// Update implements ledger.Store.
func (s *ledgerStore) Update(ctx context.Context, id conversion.ID, change func(r *ledger.Record, now time.Time) error) (ledger.Record, error) {
	ctx, end := s.eye.look(ctx, "ledger.update", id)
	var seen step
	record, err := s.Store.Update(ctx, id, func(r *ledger.Record, now time.Time) error {
		seen = step{before: *r, now: now} // it may be run again
		return change(r, now)
	})
	end(err)
	if err == nil {
		seen.count(s.eye.Metrics, record, false)
	}
	return record, err
}

// UpdateDue implements ledger.Store.
func (s *ledgerStore) UpdateDue(ctx context.Context, limit int, change func(r *ledger.Record, now time.Time)) ([]ledger.Record, error) {
	seen := map[conversion.ID]step{}
	records, err := s.Store.UpdateDue(ctx, limit, func(r *ledger.Record, now time.Time) {
		seen[r.ID] = step{before: *r, now: now}
		change(r, now)
	})
	s.eye.count(err)
	if err != nil {
		return records, err
	}
	for _, record := range records {
		before := seen[record.ID]
		before.count(s.eye.Metrics, record, true)
	}
	return records, nil
}

// UpdateAwake implements ledger.Store.
func (s *ledgerStore) UpdateAwake(ctx context.Context, change func(r *ledger.Record, now time.Time)) error {
	err := s.Store.UpdateAwake(ctx, change)
	s.eye.count(err)
	return err
}

// Get implements ledger.Store.
func (s *ledgerStore) Get(ctx context.Context, id conversion.ID) (ledger.Record, error) {
	ctx, end := s.eye.look(ctx, "ledger.get", id)
	record, err := s.Store.Get(ctx, id)
	end(err)
	return record, err
}

// List implements ledger.Store.
func (s *ledgerStore) List(ctx context.Context, query ledger.Query) ([]ledger.Record, error) {
	ctx, end := s.eye.look(ctx, "ledger.list", "")
	records, err := s.Store.List(ctx, query)
	end(err)
	return records, err
}

// Places implements ledger.Store.
func (s *ledgerStore) Places(ctx context.Context, waiting []ledger.Record) (map[conversion.ID]int, error) {
	ctx, end := s.eye.look(ctx, "ledger.places", "")
	places, err := s.Store.Places(ctx, waiting)
	end(err)
	return places, err
}

// Doomed implements ledger.Store.
func (s *ledgerStore) Doomed(ctx context.Context, after *ledger.Doom, limit int) ([]ledger.Record, error) {
	records, err := s.Store.Doomed(ctx, after, limit)
	s.eye.count(err)
	return records, err
}

// Survey implements ledger.Store.
func (s *ledgerStore) Survey(ctx context.Context) (ledger.Survey, error) {
	survey, err := s.Store.Survey(ctx)
	s.eye.count(err)
	return survey, err
}

// EndDelivery implements ledger.Store.
func (s *ledgerStore) EndDelivery(ctx context.Context, id string) error {
	return s.called(s.Store.EndDelivery(ctx, id), telemetry.Sent)
}

// PutOffDelivery implements ledger.Store.
func (s *ledgerStore) PutOffDelivery(ctx context.Context, id string, after time.Duration) error {
	return s.called(s.Store.PutOffDelivery(ctx, id, after), telemetry.Retried)
}

// GiveUpDelivery implements ledger.Store.
func (s *ledgerStore) GiveUpDelivery(ctx context.Context, id string) (disabled bool, err error) {
	disabled, err = s.Store.GiveUpDelivery(ctx, id)
	if disabled {
		return disabled, s.called(err, telemetry.Disabled)
	}
	return disabled, s.called(err, telemetry.GivenUp)
}

// DisableWebhook implements ledger.Store.
func (s *ledgerStore) DisableWebhook(ctx context.Context, id string) error {
	return s.called(s.Store.DisableWebhook(ctx, id), telemetry.Disabled)
}

// called counts a call of a webhook whose outcome has been written down.
func (s *ledgerStore) called(err error, result string) error {
	s.eye.count(err)
	if err == nil {
		s.eye.Metrics.WebhookCalls.WithLabelValues(result).Inc()
	}
	return err
}
