package sqlledger

import (
	"context"
	"fmt"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/ledger"
)

// Look is ledgertest.Backend's.
func (s *Store) Look(ctx context.Context, ids []conversion.ID) ([]ledger.Record, time.Time, error) {
	if len(ids) == 0 {
		return nil, time.Time{}, nil
	}
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	rows, err := s.db.Query(ctx, s.selectRows()+" WHERE id IN ("+marks(len(ids))+")", args...)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("look at conversions: %w", err)
	}
	defer rows.Close()
	found, err := scanRows(rows.Rows)
	if err == nil && len(found.unreadable) > 0 {
		err = found.unreadable[0]
	}
	return found.records, found.now, err
}
