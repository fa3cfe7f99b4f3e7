package gateway

import (
	"context"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/store/ledger"
)

// present shows records as their owner sees them.
func (g *Gateway) present(ctx context.Context, records ...ledger.Record) ([]api.Conversion, error) {
	places, err := g.ledger.Places(ctx, records...)
	if err != nil {
		return nil, err
	}
	shown := make([]api.Conversion, len(records)) // a list without any is [], not null
	for i, record := range records {
		shown[i] = api.Present(record.Conversion)
		shown[i].Progress = g.hub.progress(record)
		shown[i].QueuePosition = places[record.ID]
	}
	return shown, nil
}
