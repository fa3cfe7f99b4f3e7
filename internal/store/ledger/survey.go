package ledger

import (
	"context"
	"time"

	"github.com/unreel/unreel/internal/conversion"
)

// Survey is how the ledger stands, whoever's conversions are in it.
type Survey struct {
	// Conversions is how many there are in each state; what is missing has none.
	Conversions map[conversion.Status]int
	// Due is how many wait for a converter and for nothing else, OldestDue for how long the first of them has.
	Due       int
	OldestDue time.Duration
	// MailsWaiting is how many owners have not been told yet, OldestMail for how long the first of them has waited.
	MailsWaiting int
	OldestMail   time.Duration
}

// Survey looks at all conversions at once, for whoever runs the services. It reads an index from end to end: ask every
// few seconds, not for every request.
func (l *Ledger) Survey(ctx context.Context) (Survey, error) { return l.store.Survey(ctx) }
