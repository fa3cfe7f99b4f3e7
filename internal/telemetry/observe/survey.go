package observe

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/queue"
	"github.com/unreel/unreel/internal/store/ledger"
	"github.com/unreel/unreel/internal/telemetry"
)

// statuses are the values of the label status.
var statuses = []conversion.Status{
	conversion.Receiving, conversion.Queued, conversion.Converting, conversion.Completed, conversion.Failed,
	conversion.Canceled, conversion.Deleted,
}

// LedgerState asks a ledger how it stands, for those who scrape.
func LedgerState(kept *ledger.Ledger) prometheus.Collector {
	conversions := telemetry.NewDesc("conversions", "Conversions in the ledger, by status; deleted ones are tombstones.", "status")
	due := telemetry.NewDesc("conversions_due", "Conversions that wait for nothing but a converter.")
	oldest := telemetry.NewDesc("oldest_due_seconds", "For how long the first of them has waited.")
	mails := telemetry.NewDesc("mails_waiting", "Owners who are to be told and have not been.")
	oldestMail := telemetry.NewDesc("oldest_mail_seconds", "For how long the first of them has waited.")
	return telemetry.NewSurvey(func(ctx context.Context) ([]telemetry.Gauge, error) {
		survey, err := kept.Survey(ctx)
		if err != nil {
			return nil, err
		}
		gauges := []telemetry.Gauge{
			{Desc: due, Value: float64(survey.Due)},
			{Desc: oldest, Value: survey.OldestDue.Seconds()},
			{Desc: mails, Value: float64(survey.MailsWaiting)},
			{Desc: oldestMail, Value: survey.OldestMail.Seconds()},
		}
		for _, status := range statuses {
			gauges = append(gauges, telemetry.Gauge{
				Desc: conversions, Value: float64(survey.Conversions[status]), Labels: []string{string(status)},
			})
		}
		return gauges, nil
	}, conversions, due, oldest, mails, oldestMail)
}

// QueueState asks a broker how many messages wait, and how many were set aside.
func QueueState(dead queue.DeadLetters) prometheus.Collector {
	messages := telemetry.NewDesc("queue_messages", "Messages that wait in the broker; in a queue that ends in .dead they were set aside.", "queue")
	return telemetry.NewSurvey(func(ctx context.Context) ([]telemetry.Gauge, error) {
		depths, err := dead.Depths(ctx)
		if err != nil {
			return nil, err
		}
		gauges := make([]telemetry.Gauge, 0, len(depths))
		for name, depth := range depths {
			gauges = append(gauges, telemetry.Gauge{Desc: messages, Value: float64(depth), Labels: []string{name}})
		}
		return gauges, nil
	}, messages)
}
