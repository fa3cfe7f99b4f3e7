package sqlledger

import (
	"context"
	"fmt"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/ledger"
)

// Usage implements ledger.Store. A size is in the row's documents; what has no MP3 yet has none.
func (s *Store) Usage(ctx context.Context, owner string) (ledger.Usage, error) {
	rows, err := s.db.Query(ctx, "SELECT status, COUNT(*), SUM(CASE WHEN files_gone = 0 THEN"+
		" COALESCE(JSON_EXTRACT(video, '$.size'), 0) + COALESCE(JSON_EXTRACT(mp3, '$.size'), 0) ELSE 0 END)"+
		" FROM conversions WHERE owner = ? AND status NOT IN (?, ?) GROUP BY status",
		owner, conversion.Receiving, conversion.Deleted)
	if err != nil {
		return ledger.Usage{}, fmt.Errorf("add up usage: %w", err)
	}
	defer rows.Close()
	usage := ledger.Usage{Conversions: map[conversion.Status]int{}}
	for rows.Next() {
		var status conversion.Status
		var count int
		var bytes float64 // as MySQL adds up what it takes out of JSON; exact up to 8 PiB
		if err := rows.Scan(&status, &count, &bytes); err != nil {
			return ledger.Usage{}, fmt.Errorf("add up usage: %w", err)
		}
		usage.Conversions[status] = count
		usage.Bytes += int64(bytes)
	}
	if err := rows.Err(); err != nil {
		return ledger.Usage{}, fmt.Errorf("add up usage: %w", err)
	}
	return usage, nil
}
