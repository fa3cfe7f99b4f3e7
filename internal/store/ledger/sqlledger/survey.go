package sqlledger

import (
	"context"
	"fmt"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/ledger"
)

// The rows of a survey that are no states.
const (
	rowDue   = "+due"
	rowMails = "+mails"
)

// Survey implements ledger.Store. Each part of the statement has an index that is all that it reads, or that leaves
// it only what is not done yet.
func (s *Store) Survey(ctx context.Context) (ledger.Survey, error) {
	now := s.db.Now()
	rows, err := s.db.Query(ctx, "SELECT status, COUNT(*), 0 FROM conversions GROUP BY status"+
		" UNION ALL SELECT ?, COUNT(*), COALESCE("+now+" - MIN(not_before), 0) FROM conversions"+
		" WHERE status = ? AND not_before <= "+now+
		" UNION ALL SELECT ?, COUNT(*), COALESCE("+now+" - MIN(finished_at), 0) FROM conversions"+
		" WHERE wake_due IS NOT NULL AND mail_status IN (?, ?)",
		rowDue, conversion.Queued, rowMails, ledger.MailPending, ledger.MailSending)
	if err != nil {
		return ledger.Survey{}, fmt.Errorf("survey: %w", err)
	}
	defer rows.Close()
	survey := ledger.Survey{Conversions: map[conversion.Status]int{}}
	for rows.Next() {
		var name string
		var count int
		var age int64 // microseconds
		if err := rows.Scan(&name, &count, &age); err != nil {
			return ledger.Survey{}, fmt.Errorf("survey: %w", err)
		}
		oldest := max(time.Duration(age)*time.Microsecond, 0)
		switch name {
		case rowDue:
			survey.Due, survey.OldestDue = count, oldest
		case rowMails:
			survey.MailsWaiting, survey.OldestMail = count, oldest
		default:
			survey.Conversions[conversion.Status(name)] = count
		}
	}
	if err := rows.Err(); err != nil {
		return ledger.Survey{}, fmt.Errorf("survey: %w", err)
	}
	return survey, nil
}
