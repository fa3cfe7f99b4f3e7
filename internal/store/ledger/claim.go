package ledger

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/unreel/unreel/internal/conversion"
)

// Claim gives a conversion to the caller for one lease. The attempt is counted before the work begins, so
// that a crash counts. ErrHeld means that there is nothing to do now.
func (l *Ledger) Claim(ctx context.Context, id conversion.ID) (Record, error) {
	return l.store.Update(ctx, id, func(r *Record, now time.Time) error {
		if !r.claimable(now) || r.Attempts >= l.config.MaxAttempts {
			return ErrHeld
		}
		r.Status = conversion.Converting
		r.Progress = 0
		r.Attempts++
		r.Fence++
		r.StartedAt = now
		r.hold(now, l.config.Lease)
		return nil
	})
}

// claimable tells whether a converter may begin: it is queued and its back-off is over, or whoever
// was converting it has not been heard of for a lease.
func (r *Record) claimable(now time.Time) bool {
	switch r.Status {
	case conversion.Queued:
		return !r.NotBefore.After(now)
	case conversion.Converting:
		return !r.LeaseUntil.After(now)
	default:
		return false
	}
}

// Renew extends a claim by a lease and notes how far the work is.
func (l *Ledger) Renew(ctx context.Context, id conversion.ID, fence int64, progress float64) error {
	_, err := l.updateClaimed(ctx, id, fence, func(r *Record, now time.Time) {
		r.Progress = progress
		r.hold(now, l.config.Lease)
	})
	return err
}

// Complete ends a conversion whose MP3 is durable and verified.
func (l *Ledger) Complete(ctx context.Context, id conversion.ID, fence int64, video conversion.Video, mp3 conversion.MP3) (Record, error) {
	return l.updateClaimed(ctx, id, fence, func(r *Record, now time.Time) {
		r.Status = conversion.Completed
		r.Progress = 1
		r.Video.Duration, r.Video.Codec = video.Duration, video.Codec
		r.MP3 = &mp3
		l.finish(r, now)
	})
}

// Fail ends a conversion that can never succeed as it is.
func (l *Ledger) Fail(ctx context.Context, id conversion.ID, fence int64, failure conversion.Failure) (Record, error) {
	return l.updateClaimed(ctx, id, fence, func(r *Record, now time.Time) {
		l.fail(r, now, failure)
	})
}

// Reschedule hands a conversion back after a passing error; the next attempt waits, longer each time. With
// the last attempt spent, the conversion fails.
func (l *Ledger) Reschedule(ctx context.Context, id conversion.ID, fence int64, cause error) (Record, error) {
	return l.updateClaimed(ctx, id, fence, func(r *Record, now time.Time) {
		r.LastError = cause.Error()
		if r.Attempts >= l.config.MaxAttempts {
			l.fail(r, now, spent(r.Attempts))
			return
		}
		r.enqueue(now)
		r.NotBefore = now.Add(retryDelay(r.Attempts))
		r.WakeDue = r.NotBefore
	})
}

// Postpone hands a conversion back because a store is away or full, which is not its fault: the attempt does not count,
// however often that happens. The next one waits for a quarter of the time that has passed since it was queued.
func (l *Ledger) Postpone(ctx context.Context, id conversion.ID, fence int64, cause error) (Record, error) {
	return l.updateClaimed(ctx, id, fence, func(r *Record, now time.Time) {
		r.giveBack(now)
		r.LastError = cause.Error()
		delay := min(max(now.Sub(r.QueuedAt)/4, firstRetry), lastRetry)
		r.NotBefore = now.Add(delay + rand.N(delay/5))
		r.WakeDue = r.NotBefore
	})
}

// Release hands a conversion back untouched because its converter stops; the attempt does not count.
func (l *Ledger) Release(ctx context.Context, id conversion.ID, fence int64) error {
	_, err := l.updateClaimed(ctx, id, fence, func(r *Record, now time.Time) {
		r.giveBack(now)
	})
	return err
}

// giveBack puts a conversion back where it was in the queue, as if its attempt had never been.
func (r *Record) giveBack(now time.Time) {
	queuedAt := r.QueuedAt
	r.Attempts--
	r.enqueue(now)
	r.QueuedAt = queuedAt
}

func (l *Ledger) updateClaimed(ctx context.Context, id conversion.ID, fence int64, change func(r *Record, now time.Time)) (Record, error) {
	return l.store.Update(ctx, id, func(r *Record, now time.Time) error {
		if r.Status != conversion.Converting || r.Fence != fence {
			return ErrStale
		}
		change(r, now)
		return nil
	})
}

func (l *Ledger) fail(r *Record, now time.Time, failure conversion.Failure) {
	r.Status = conversion.Failed
	r.Failure = &failure
	l.finish(r, now)
}

// finish ends the work and makes the mail due.
func (l *Ledger) finish(r *Record, now time.Time) {
	r.FinishedAt = now
	r.letGo(now)
	r.Mail = Mail{Status: MailPending, Fence: r.Mail.Fence}
	l.keepFiles(r, now)
}

func (l *Ledger) keepFiles(r *Record, now time.Time) {
	if l.config.Retention > 0 {
		r.ExpiresAt = now.Add(l.config.Retention)
		r.FilesDue = r.ExpiresAt
	}
}

func spent(attempts int) conversion.Failure {
	return *conversion.Fail(conversion.Internal, fmt.Sprintf(
		"The conversion was tried %d times and never came to an end. You can ask for it to be tried again.", attempts))
}

// The back-off after passing errors.
const (
	firstRetry = 5 * time.Second
	lastRetry  = 10 * time.Minute
)

// retryDelay doubles with each attempt, with up to a fifth of jitter so that what failed
// together does not come back together.
func retryDelay(attempts int) time.Duration {
	delay := backoff(firstRetry, lastRetry, attempts-1)
	return delay + rand.N(delay/5)
}

func backoff(first, last time.Duration, doublings int) time.Duration {
	delay := first
	for range doublings {
		delay = min(2*delay, last)
	}
	return delay
}
