package converter

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"github.com/unreel/unreel/internal/store/ledger"
)

// heart renews a claim while the work goes on. If it has not managed to by two thirds of the lease, it stops the
// work: there must be time left to let go before someone else begins.
type heart struct {
	fraction atomic.Uint64 // math.Float64bits
	cancel   context.CancelFunc
	done     chan struct{}
}

func startHeart(ctx context.Context, stopWork context.CancelCauseFunc, keeper *ledger.Ledger, claim ledger.Record, logger *slog.Logger) *heart {
	ctx, cancel := context.WithCancel(ctx)
	h := &heart{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(h.done)
		if err := h.beat(ctx, keeper, claim, logger); err != nil {
			stopWork(err)
		}
	}()
	return h
}

// progress notes how much is done, from 0 to 1, for the next beat.
func (h *heart) progress(fraction float64) {
	h.fraction.Store(math.Float64bits(fraction))
}

// stop ends the beating and waits until it has.
func (h *heart) stop() {
	h.cancel()
	<-h.done
}

// beat renews until the context ends, and returns why the work must stop.
func (h *heart) beat(ctx context.Context, keeper *ledger.Ledger, claim ledger.Record, logger *slog.Logger) error {
	lease := keeper.Config().Lease
	ticker := time.NewTicker(lease / 3)
	defer ticker.Stop()
	deadline := time.Now().Add(lease * 2 / 3)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		sent := time.Now()
		err := h.renew(ctx, keeper, claim, deadline)
		switch {
		case err == nil:
			deadline = sent.Add(lease * 2 / 3)
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, ledger.ErrStale), errors.Is(err, ledger.ErrNotFound):
			return ledger.ErrStale
		case !time.Now().Before(deadline):
			logger.ErrorContext(ctx, "claim not renewed in time", "error", err)
			return errLeaseLost
		default:
			logger.WarnContext(ctx, "claim not renewed, will be tried again", "error", err)
			// What is left until the deadline is shorter than a beat: try soon.
			ticker.Reset(max(time.Until(deadline)/4, 10*time.Millisecond))
			continue
		}
		ticker.Reset(lease / 3)
	}
}

func (h *heart) renew(ctx context.Context, keeper *ledger.Ledger, claim ledger.Record, deadline time.Time) error {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	return keeper.Renew(ctx, claim.ID, claim.Fence, math.Float64frombits(h.fraction.Load()))
}
