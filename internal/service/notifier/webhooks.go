package notifier

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/unreel/unreel/internal/store/ledger"
	"github.com/unreel/unreel/internal/webhook"
)

const (
	// callEvery is how often calls are looked for that another process has added, or that have to be tried again.
	callEvery = 5 * time.Second
	// callLease is how long one process has for a call before another tries. A call takes less.
	callLease = time.Minute
	// callSlots is how many addresses are called at once.
	callSlots = 64
	// callMemory is how long a call that has ended is remembered: longer than a hint about the conversion can come.
	callMemory = 7 * 24 * time.Hour
	// callCollected is how many of those are forgotten at a time.
	callCollected = 1000
)

// callRetries is how long after each try the next one comes, as the specification of Standard Webhooks proposes. If no call has
// been taken by the last, which is after three days, the webhook is disabled.
var callRetries = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// Webhooks calls the addresses that owners have named.
type Webhooks struct {
	ledger *ledger.Ledger
	store  ledger.Webhooks
	caller *webhook.Caller
	woken  chan struct{} // has room for one token
	tally  tally
	logger *slog.Logger
}

// NewWebhooks makes a Webhooks.
func NewWebhooks(keeper *ledger.Ledger, caller *webhook.Caller, logger *slog.Logger) *Webhooks {
	return &Webhooks{
		ledger: keeper, store: keeper.Webhooks(), caller: caller, woken: make(chan struct{}, 1),
		tally: tally{running: map[string]int{}}, logger: logger,
	}
}

// announce has the owner's webhooks called about a conversion that has ended, once however often it is said. It is for
// the moment before the owner is mailed: that is done sooner or later, and so is this.
func (w *Webhooks) announce(ctx context.Context, record ledger.Record) error {
	if err := w.ledger.Announce(ctx, record.Conversion, tell(record.Conversion)); err != nil {
		return fmt.Errorf("announce to webhooks: %w", err)
	}
	w.wake()
	return nil
}

func (w *Webhooks) wake() {
	select {
	case w.woken <- struct{}{}:
	default: // it is awake already
	}
}

// Run makes calls until the context ends, and ends those that are under way.
func (w *Webhooks) Run(ctx context.Context) error {
	ticker := time.NewTicker(callEvery)
	defer ticker.Stop()
	slots := make(chan struct{}, callSlots)
	var calls sync.WaitGroup
	defer calls.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.woken:
		case <-ticker.C:
		}
		if err := w.callDue(ctx, slots, &calls); err != nil && ctx.Err() == nil {
			w.logger.ErrorContext(ctx, "webhooks not called, will be tried again", "error", err)
		}
	}
}

// callDue begins calls for as long as some are due, and waits for slots but not for the calls.
func (w *Webhooks) callDue(ctx context.Context, slots chan struct{}, calls *sync.WaitGroup) error {
	if _, err := w.store.CollectDeliveries(ctx, callMemory, callCollected); err != nil {
		return err
	}
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		due, err := w.store.ClaimDeliveries(ctx, 1, callLease, w.tally.full())
		if err != nil || len(due) == 0 {
			<-slots
			return err
		}
		owner := due[0].Webhook.Owner
		w.tally.begin(owner)
		calls.Go(func() {
			defer func() { <-slots }()
			w.call(ctx, due[0])
			if w.tally.end(owner) {
				w.wake()
			}
		})
	}
}

func (w *Webhooks) call(ctx context.Context, delivery ledger.Delivery) {
	hook := delivery.Webhook
	about, _, _ := strings.Cut(delivery.ID, "_") // which conversion has ended
	logger := w.logger.With("conversion", about, "webhook", hook.ID, "user", hook.Owner, "delivery", delivery.ID, "try", delivery.Attempts)
	ctx = context.WithoutCancel(ctx) // it ends soon by itself
	called := w.caller.Do(ctx, webhook.Call{ID: delivery.ID, URL: hook.URL, Secret: hook.Secret, Payload: delivery.Payload})
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	var err error
	switch {
	case called == nil:
		logger.InfoContext(ctx, "webhook called")
		err = w.store.EndDelivery(ctx, delivery.ID)
	case errors.Is(called, webhook.ErrGone):
		logger.WarnContext(ctx, "webhook disabled", "error", called)
		err = w.store.DisableWebhook(ctx, hook.ID)
	case delivery.Attempts > len(callRetries):
		var disabled bool
		disabled, err = w.store.GiveUpDelivery(ctx, delivery.ID)
		logger.WarnContext(ctx, "webhook's call given up", "error", called, "disabled", disabled)
	default:
		logger.InfoContext(ctx, "webhook not called, will be tried again", "error", called)
		wait := callRetries[delivery.Attempts-1]
		err = w.store.PutOffDelivery(ctx, delivery.ID, wait+rand.N(wait/10)) // lest all come back to it at once
	}
	if err != nil {
		logger.ErrorContext(ctx, "webhook's call not settled, it is made once more", "error", err)
	}
}
