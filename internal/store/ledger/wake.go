package ledger

import (
	"context"
	"time"

	"github.com/unreel/unreel/internal/conversion"
)

// Wake is what a due record waits for.
type Wake int

// What a due record can wait for.
const (
	WakeNobody Wake = iota // it was settled on the way
	WakeConverter
	WakeNotifier
)

// Woken is a due record and whom to send a hint.
type Woken struct {
	Record
	Wake Wake
}

// The interval between hints for one record that nobody takes up.
const (
	firstWake = 30 * time.Second
	lastWake  = 10 * time.Minute
)

// ClaimDue returns up to limit records that are due, oldest first, and pushes each one's next time out before
// anybody is told: a record is hinted at once an interval at the most, however many relays there are and
// whatever becomes of the hint. On the way it settles what needs no worker: uploads that broke off,
// attempts that are spent, mails of which nobody will ever know.
func (l *Ledger) ClaimDue(ctx context.Context, limit int) ([]Woken, error) {
	// The change may run twice for one record; what it answered last is what was stored.
	wakes := map[conversion.ID]Wake{}
	records, err := l.store.UpdateDue(ctx, limit, func(r *Record, now time.Time) {
		wakes[r.ID] = l.wake(r, now)
	})
	if err != nil {
		return nil, err
	}
	woken := make([]Woken, len(records))
	for i, record := range records {
		woken[i] = Woken{Record: record, Wake: wakes[record.ID]}
	}
	return woken, nil
}

func (l *Ledger) wake(r *Record, now time.Time) Wake {
	switch {
	case r.Status == conversion.Receiving:
		l.bury(r, now)
		return WakeNobody
	case r.claimable(now) && r.Attempts >= l.config.MaxAttempts:
		l.fail(r, now, spent(r.Attempts))
		r.snooze(now)
		return WakeNotifier
	case r.claimable(now):
		r.snooze(now)
		return WakeConverter
	case r.mailable(now) && r.Mail.Status == MailSending && r.Mail.Uncertain:
		r.endMail(MailUnknown)
		return WakeNobody
	case r.mailable(now):
		r.snooze(now)
		return WakeNotifier
	default:
		r.WakeDue = r.nextLook()
		return WakeNobody
	}
}

// nextLook is when a record that was looked at too early can be worked on; zero if it is settled.
func (r *Record) nextLook() time.Time {
	switch {
	case r.Status == conversion.Queued:
		return r.NotBefore
	case r.Status == conversion.Converting:
		return r.LeaseUntil
	case r.Mail.Status == MailPending || r.Mail.Status == MailSending:
		return r.Mail.LeaseUntil
	default:
		return time.Time{}
	}
}

func (r *Record) snooze(now time.Time) {
	r.WakeDue = now.Add(backoff(firstWake, lastWake, r.Wakes))
	r.Wakes++
}

// Recover makes everything due now that anybody was working on or waiting for. It is for a process that owns
// the ledger alone and has just started: whoever held a lease is dead, and so are the hints.
func (l *Ledger) Recover(ctx context.Context) error {
	return l.store.UpdateAwake(ctx, func(r *Record, now time.Time) {
		r.LeaseUntil = time.Time{}
		if r.Status == conversion.Receiving && r.inPieces() {
			return // the rest can still come
		}
		if r.Mail.Status == MailSending {
			r.Mail.LeaseUntil = time.Time{}
		}
		r.WakeDue, r.Wakes = now, 0
		if next := r.nextLook(); next.After(now) {
			r.WakeDue = next
		}
	})
}
