// Package relay turns records that are due into hints for those who have to look at them. It runs in every
// process: a record is claimed before it is hinted, so any number of relays do the work of one, and
// nothing is lost when one dies between the two.
package relay

import (
	"context"
	"log/slog"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/queue"
	"github.com/unreel/unreel/internal/store/ledger"
)

const (
	// interval is how long a record may be due before it is seen, unless somebody calls Poke.
	interval = time.Second
	// batch is how many records are claimed at once.
	batch = 100
	// patience is how long one round may take.
	patience = 30 * time.Second
)

// Relay sends hints.
type Relay struct {
	ledger *ledger.Ledger
	queue  queue.Queue
	logger *slog.Logger
	poke   chan struct{}
}

// New makes a Relay.
func New(ledger *ledger.Ledger, queue queue.Queue, logger *slog.Logger) *Relay {
	return &Relay{ledger: ledger, queue: queue, logger: logger, poke: make(chan struct{}, 1)}
}

// Poke asks for a look at once, because the caller has just made a record due. It never blocks.
func (r *Relay) Poke() {
	select {
	case r.poke <- struct{}{}:
	default:
	}
}

// Run sends hints until the context ends.
func (r *Relay) Run(ctx context.Context) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	healthy := true
	for {
		err := r.drain(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if (err == nil) != healthy {
			healthy = err == nil
			r.report(err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-r.poke:
		case <-ticker.C:
		}
	}
}

// report logs that hints have stopped or go out again: one line a change.
func (r *Relay) report(err error) {
	if err != nil {
		r.logger.Error("hints stopped", "error", err)
		return
	}
	r.logger.Info("hints go out again")
}

// drain hints at everything that is due now.
func (r *Relay) drain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		woken, err := r.ledger.ClaimDue(ctx, batch)
		if err != nil {
			return err
		}
		for _, record := range woken {
			if err := r.hint(ctx, record); err != nil {
				return err
			}
		}
		if len(woken) < batch {
			return nil
		}
	}
}

func (r *Relay) hint(ctx context.Context, woken ledger.Woken) error {
	switch woken.Wake {
	case ledger.WakeConverter:
		return r.queue.Publish(ctx, queue.Video, forConverter(woken.Record))
	case ledger.WakeNotifier:
		return r.queue.Publish(ctx, queue.MP3, forNotifier(woken.Record))
	default:
		return nil
	}
}

// forConverter is the hint that a video waits.
func forConverter(record ledger.Record) queue.Message {
	return queue.Message{
		VideoID:  record.ID,
		Username: record.Username,
		ID:       record.ID,
		Options:  &record.Options,
		Attempt:  record.Attempts + 1,
		Trace:    record.Trace,
	}
}

// forNotifier is the hint that a conversion has ended.
func forNotifier(record ledger.Record) queue.Message {
	message := queue.Message{
		VideoID:  record.ID,
		Username: record.Username,
		ID:       record.ID,
		Status:   record.Status,
		Attempt:  record.Attempts,
		Trace:    record.Trace,
	}
	if record.Status == conversion.Completed {
		message.MP3ID = &record.ID
	}
	if failure := record.Failure; failure != nil {
		message.Error = &queue.Error{Type: failure.Slug.Type(), Title: failure.Slug.Title(), Detail: failure.Detail}
	}
	return message
}
