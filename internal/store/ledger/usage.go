package ledger

import (
	"context"

	"github.com/unreel/unreel/internal/conversion"
)

// Usage is what one owner has.
type Usage struct {
	// Conversions is how many there are in each public state; what is missing has none.
	Conversions map[conversion.Status]int
	// Bytes is the size of the videos and MP3s that are kept for them.
	Bytes int64
}

// Usage adds up what an owner has. It reads all of the owner's records.
func (l *Ledger) Usage(ctx context.Context, owner string) (Usage, error) {
	return l.store.Usage(ctx, owner)
}
