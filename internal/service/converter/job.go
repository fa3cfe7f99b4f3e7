package converter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/transcode"
	"github.com/unreel/unreel/internal/store"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/ledger"
)

var (
	errStopping  = errors.New("the converter stops")
	errLeaseLost = errors.New("the claim could not be renewed in time")
)

// settleTime is how long the outcome of a conversion may take to be written down, whatever happened to the
// conversion's own context.
const settleTime = 10 * time.Second

// settlePause is how long to wait before an outcome is written down once more.
const settlePause = 100 * time.Millisecond

// job is one claimed conversion.
type job struct {
	*Converter
	claim  ledger.Record
	logger *slog.Logger
}

// work converts what was claimed and writes down what came of it.
func (c *Converter) work(ctx context.Context, claim ledger.Record) error {
	j := &job{Converter: c, claim: claim, logger: c.logger.With("conversion", claim.ID, "attempt", claim.Attempts)}
	running, stop, end := c.jobs.begin(ctx, claim.ID)
	defer end()

	j.logger.InfoContext(ctx, "conversion begins", "size", claim.Video.Size)
	began := time.Now()
	j.announce(ctx, conversion.Converting, 0)
	heart := startHeart(running, stop, c.ledger, claim, j.logger)
	result, err := j.convert(running, func(p transcode.Progress) {
		heart.progress(p.Fraction)
		j.announce(ctx, conversion.Converting, p.Fraction)
	})
	heart.stop()
	if cause := context.Cause(running); err != nil && cause != nil {
		err = cause
	}

	settling, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	if err != nil {
		return j.settleError(settling, err)
	}
	return j.settleResult(settling, result, time.Since(began))
}

// settleResult completes the conversion.
func (j *job) settleResult(ctx context.Context, result transcode.Result, took time.Duration) error {
	video := conversion.Video{Duration: result.Track.Duration, Codec: result.Track.Codec}
	record, err := settle(ctx, func() (ledger.Record, error) {
		return j.ledger.Complete(ctx, j.claim.ID, j.claim.Fence, video, result.MP3)
	})
	if errors.Is(err, ledger.ErrStale) || errors.Is(err, ledger.ErrNotFound) {
		return j.discard(ctx)
	}
	if err != nil {
		// The lease runs out and someone converts it again.
		return fmt.Errorf("complete: %w", err)
	}
	j.logger.InfoContext(ctx, "conversion completed", "took", took, "duration", result.MP3.Duration, "size", result.MP3.Size)
	j.wake()
	j.announceRecord(ctx, record)
	return nil
}

// discard removes the MP3 of a conversion that was deleted while its MP3 was being stored; it stays deleted. In every
// other state the MP3 is left alone: another converter may have replaced it, or, if the conversion is tried again, may
// do so between this look and the removal. It goes when the record's files go.
func (j *job) discard(ctx context.Context) error {
	j.logger.WarnContext(ctx, "claim was taken over, result dropped")
	record, err := j.ledger.Peek(ctx, j.claim.ID)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
	case err != nil:
		return fmt.Errorf("look at the taken over record: %w", err)
	case record.Status != conversion.Deleted:
		return nil
	}
	if err := j.blobs.Delete(ctx, blob.MP3, j.claim.ID); err != nil {
		return fmt.Errorf("remove the dropped MP3: %w", err)
	}
	return nil
}

// settleError fails the conversion, hands it back, or leaves it to whoever has it now.
func (j *job) settleError(ctx context.Context, cause error) error {
	record, err := settle(ctx, j.verdict(ctx, cause))
	if errors.Is(err, ledger.ErrStale) || errors.Is(err, ledger.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	j.wake()
	if record.ID != "" {
		j.announceRecord(ctx, record)
	}
	return nil
}

// verdict says what becomes of a conversion that has no result, and returns how to write that down; the record is empty
// where it is nobody's news.
func (j *job) verdict(ctx context.Context, cause error) func() (ledger.Record, error) {
	release := func() (ledger.Record, error) {
		return ledger.Record{}, j.ledger.Release(ctx, j.claim.ID, j.claim.Fence)
	}
	var failure *conversion.Failure
	switch {
	case errors.Is(cause, ledger.ErrStale):
		j.logger.WarnContext(ctx, "conversion given up", "cause", cause)
		// The news of a cancellation may have come late, to a claim made after a retry: that one is handed back.
		return release
	case errors.Is(cause, errStopping), errors.Is(cause, errLeaseLost), errors.Is(cause, context.Canceled):
		j.logger.InfoContext(ctx, "conversion handed back", "cause", cause)
		return release
	case errors.As(cause, &failure):
		j.logger.InfoContext(ctx, "conversion failed", "slug", failure.Slug, "detail", failure.Detail)
		return func() (ledger.Record, error) { return j.ledger.Fail(ctx, j.claim.ID, j.claim.Fence, *failure) }
	case errors.Is(cause, store.ErrUnavailable), errors.Is(cause, store.ErrFull), errors.Is(cause, blob.ErrFull):
		j.logger.WarnContext(ctx, "conversion waits for a store", "error", cause)
		return func() (ledger.Record, error) { return j.ledger.Postpone(ctx, j.claim.ID, j.claim.Fence, cause) }
	default:
		j.logger.WarnContext(ctx, "conversion will be tried again", "error", cause)
		return func() (ledger.Record, error) { return j.ledger.Reschedule(ctx, j.claim.ID, j.claim.Fence, cause) }
	}
}

// settle writes an outcome down. A ledger that is away, or full, is asked again until the context ends: converting once
// more, when the claim has run out, would take longer.
func settle(ctx context.Context, write func() (ledger.Record, error)) (ledger.Record, error) {
	for {
		record, err := write()
		if !errors.Is(err, store.ErrUnavailable) && !errors.Is(err, store.ErrFull) {
			return record, err
		}
		select {
		case <-ctx.Done():
			return record, err
		case <-time.After(settlePause):
		}
	}
}

func (j *job) announceRecord(ctx context.Context, record ledger.Record) {
	j.announce(ctx, record.Status, record.Progress)
}

// announce tells who listens. Nobody relies on it, so an error is not worth more than a line.
func (j *job) announce(ctx context.Context, status conversion.Status, progress float64) {
	event := conversion.Event{ID: j.claim.ID, Owner: j.claim.Owner, Status: status, Progress: progress, At: time.Now().UTC()}
	if err := j.queue.Announce(ctx, event); err != nil {
		j.logger.DebugContext(ctx, "event lost", "status", status, "error", err)
	}
}
