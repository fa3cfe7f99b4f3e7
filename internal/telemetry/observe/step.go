package observe

import (
	"slices"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/ledger"
	"github.com/unreel/unreel/internal/telemetry"
)

// step is a record as it was before a change, and when that was by the database's clock.
type step struct {
	before ledger.Record
	now    time.Time
}

// count notes what a change means. Swept says that it was not the one who held the record who made it, but whoever
// looks after what is due.
func (s step) count(m *telemetry.Metrics, after ledger.Record, swept bool) {
	if s.before.Status == conversion.Receiving && after.Status == conversion.Queued {
		m.Accepted.Inc()
	}
	if s.before.Status == conversion.Converting {
		s.countEnd(m, after, swept)
	}
	if after.Status == conversion.Converting && after.Attempts > s.before.Attempts {
		m.Begun.Inc()
		if s.before.Status == conversion.Queued {
			m.Waited.Observe(s.now.Sub(latest(s.before.QueuedAt, s.before.NotBefore)).Seconds())
		}
	}
	if after.Status == conversion.Failed && s.before.Status != conversion.Failed && after.Failure != nil {
		m.Failures.WithLabelValues(string(known(after.Failure.Slug))).Inc()
	}
	s.countMail(m, after)
}

// countEnd notes how an attempt has ended, if it has.
func (s step) countEnd(m *telemetry.Metrics, after ledger.Record, swept bool) {
	var outcome string
	switch {
	case after.Status == conversion.Completed:
		outcome = telemetry.Completed
		m.AudioSeconds.Add(after.MP3.Duration.Seconds())
	case after.Status == conversion.Failed && swept:
		outcome = telemetry.Lost // with its last attempt
	case after.Status == conversion.Failed:
		outcome = telemetry.Failed
	case after.Status == conversion.Queued && after.Attempts < s.before.Attempts:
		outcome = telemetry.Released
	case after.Status == conversion.Queued:
		outcome = telemetry.Retried
	case after.Status == conversion.Canceled, after.Status == conversion.Deleted:
		outcome = telemetry.Canceled
	case after.Attempts > s.before.Attempts:
		outcome = telemetry.Lost // somebody else has begun another
	default:
		return // it was renewed
	}
	m.Attempts.WithLabelValues(outcome).Observe(max(s.now.Sub(s.before.StartedAt), 0).Seconds())
}

// countMail notes what came of a try to send a mail.
func (s step) countMail(m *telemetry.Metrics, after ledger.Record) {
	if s.before.Mail.Status != ledger.MailSending || after.Mail.Status == ledger.MailSending {
		return
	}
	switch after.Mail.Status {
	case ledger.MailSent, ledger.MailRefused, ledger.MailGivenUp, ledger.MailUnknown:
		m.Mails.WithLabelValues(string(after.Mail.Status)).Inc()
	case ledger.MailPending:
		m.Mails.WithLabelValues(telemetry.Retried).Inc()
	default: // it is not to be sent any more
	}
}

// known keeps slugs that this program has never heard of from becoming labels.
func known(slug conversion.Slug) conversion.Slug {
	if slices.Contains(conversion.Slugs(), slug) {
		return slug
	}
	return conversion.Internal
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
