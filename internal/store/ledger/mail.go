package ledger

import (
	"context"
	"time"

	"github.com/unreel/unreel/internal/conversion"
)

// The back-off between tries of one mail.
const (
	firstMailRetry = 30 * time.Second
	lastMailRetry  = time.Hour
)

// ClaimMail gives the mail about an ended conversion to the caller for one lease, or returns ErrHeld. A try
// whose lease ran out may have delivered the mail, so it is repeated once at the most.
func (l *Ledger) ClaimMail(ctx context.Context, id conversion.ID) (Record, error) {
	return l.store.Update(ctx, id, func(r *Record, now time.Time) error {
		if !r.mailable(now) {
			return ErrHeld
		}
		if r.Mail.Status == MailSending {
			if r.Mail.Uncertain {
				// The relay settles it.
				return ErrHeld
			}
			r.Mail.Uncertain = true
		}
		r.Mail.Status = MailSending
		r.Mail.Attempts++
		r.Mail.Fence++
		r.Mail.LeaseUntil = now.Add(l.config.MailLease)
		r.WakeDue, r.Wakes = r.Mail.LeaseUntil, 0
		return nil
	})
}

func (r *Record) mailable(now time.Time) bool {
	if r.Status != conversion.Completed && r.Status != conversion.Failed {
		return false
	}
	return (r.Mail.Status == MailPending || r.Mail.Status == MailSending) && !r.Mail.LeaseUntil.After(now)
}

// MailDelivered ends the mail: it was taken.
func (l *Ledger) MailDelivered(ctx context.Context, id conversion.ID, fence int64) error {
	return l.updateMail(ctx, id, fence, func(r *Record, _ time.Time) {
		r.endMail(MailSent)
	})
}

// MailRejected ends the mail: it will never be taken.
func (l *Ledger) MailRejected(ctx context.Context, id conversion.ID, fence int64, cause error) error {
	return l.updateMail(ctx, id, fence, func(r *Record, _ time.Time) {
		r.LastError = cause.Error()
		r.endMail(MailRefused)
	})
}

// MailFailed schedules another try after an error before the mail was taken.
func (l *Ledger) MailFailed(ctx context.Context, id conversion.ID, fence int64, cause error) error {
	return l.updateMail(ctx, id, fence, func(r *Record, now time.Time) {
		r.LastError = cause.Error()
		if now.Sub(r.FinishedAt) > l.config.MailPatience {
			r.endMail(MailGivenUp)
			return
		}
		r.Mail.Status = MailPending
		r.Mail.LeaseUntil = now.Add(backoff(firstMailRetry, lastMailRetry, r.Mail.Attempts-1))
		r.WakeDue = r.Mail.LeaseUntil
	})
}

// MailUncertain notes that nobody knows whether the mail was taken: it is tried once more, then left.
func (l *Ledger) MailUncertain(ctx context.Context, id conversion.ID, fence int64, cause error) error {
	return l.updateMail(ctx, id, fence, func(r *Record, now time.Time) {
		r.LastError = cause.Error()
		if r.Mail.Uncertain {
			r.endMail(MailUnknown)
			return
		}
		r.Mail.Uncertain = true
		r.Mail.Status = MailPending
		r.Mail.LeaseUntil = now.Add(firstMailRetry)
		r.WakeDue = r.Mail.LeaseUntil
	})
}

// ReleaseMail hands a mail back untouched because its notifier stops.
func (l *Ledger) ReleaseMail(ctx context.Context, id conversion.ID, fence int64) error {
	return l.updateMail(ctx, id, fence, func(r *Record, now time.Time) {
		r.Mail.Status = MailPending
		r.Mail.Attempts--
		r.Mail.LeaseUntil = time.Time{}
		r.WakeDue = now
	})
}

func (l *Ledger) updateMail(ctx context.Context, id conversion.ID, fence int64, change func(r *Record, now time.Time)) error {
	_, err := l.store.Update(ctx, id, func(r *Record, now time.Time) error {
		if r.Mail.Status != MailSending || r.Mail.Fence != fence {
			return ErrStale
		}
		change(r, now)
		return nil
	})
	return err
}

func (r *Record) endMail(status MailStatus) {
	r.Mail.Status = status
	r.Mail.LeaseUntil = time.Time{}
	r.WakeDue = time.Time{}
}
