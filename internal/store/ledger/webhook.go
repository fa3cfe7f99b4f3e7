package ledger

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/unreel/unreel/internal/conversion"
)

var (
	// ErrNoWebhook says that an owner has no such webhook.
	ErrNoWebhook = errors.New("no such webhook")
	// ErrTooManyWebhooks says that an owner has MaxWebhooks.
	ErrTooManyWebhooks = errors.New("too many webhooks")
)

// MaxWebhooks is how many an owner has at once.
const MaxWebhooks = 10

// The events that a webhook can be called on.
const (
	EventCompleted = "conversion.completed"
	EventFailed    = "conversion.failed"
)

// WebhookEvents are all events.
var WebhookEvents = []string{EventCompleted, EventFailed}

// EventOf is the event that a conversion has ended with, or "" if it is none that is told.
func EventOf(status conversion.Status) string {
	switch status {
	case conversion.Completed:
		return EventCompleted
	case conversion.Failed:
		return EventFailed
	default:
		return ""
	}
}

// Webhook is an address of an owner's that is called when a conversion has ended.
type Webhook struct {
	ID         string // 24 hex digits
	Owner      string
	URL        string
	Secret     []byte   // what calls are signed with
	Events     []string // some of WebhookEvents
	CreatedAt  time.Time
	DisabledAt time.Time // when it was given up; zero while it is called
}

// wants tells whether it is to be called on an event.
func (w Webhook) wants(event string) bool {
	return w.DisabledAt.IsZero() && slices.Contains(w.Events, event)
}

// Delivery is one call of a webhook, however often it is tried.
type Delivery struct {
	ID        string // the same for every try
	Webhook   Webhook
	Event     string
	Payload   []byte // the same for every try
	CreatedAt time.Time
	Attempts  int // this one included
}

// Webhooks is the part of a Store that keeps webhooks and their calls.
type Webhooks interface {
	// AddWebhook adds one, or returns ErrTooManyWebhooks.
	AddWebhook(ctx context.Context, webhook Webhook) error
	// Webhooks returns an owner's, newest first.
	Webhooks(ctx context.Context, owner string) ([]Webhook, error)
	// RemoveWebhook removes an owner's webhook with its calls, or returns ErrNoWebhook.
	RemoveWebhook(ctx context.Context, owner, id string) error
	// DisableWebhook keeps a webhook from being called. That there is none is no error.
	DisableWebhook(ctx context.Context, id string) error

	// AddDeliveries adds calls that are due at once, and leaves alone those that are there or have been.
	AddDeliveries(ctx context.Context, deliveries []Delivery) error
	// ClaimDeliveries returns up to limit calls that are due, oldest first, but none of some owners, counts them as tried and
	// makes them due again after a while. No two callers get the same one.
	ClaimDeliveries(ctx context.Context, limit int, again time.Duration, but []string) ([]Delivery, error)
	// PutOffDelivery makes a call due after a while, EndDelivery never again.
	PutOffDelivery(ctx context.Context, id string, after time.Duration) error
	EndDelivery(ctx context.Context, id string) error
	// GiveUpDelivery makes a call never due again that was tried often enough, and disables its webhook, unless another call
	// of that, which was added no earlier, has ended: then it is this one that the address does not take.
	GiveUpDelivery(ctx context.Context, id string) (disabled bool, err error)
	// CollectDeliveries forgets up to limit calls that have ended and were made that long ago, and returns how many.
	CollectDeliveries(ctx context.Context, age time.Duration, limit int) (int, error)
}

// Webhooks returns what keeps webhooks.
func (l *Ledger) Webhooks() Webhooks { return l.store }

// Announce has an owner's webhooks called about a conversion that has ended, once however often it is said.
func (l *Ledger) Announce(ctx context.Context, c conversion.Conversion, payload func(event string) ([]byte, error)) error {
	event := EventOf(c.Status)
	if event == "" || c.Owner == "" {
		return nil
	}
	webhooks, err := l.store.Webhooks(ctx, c.Owner)
	if err != nil {
		return err
	}
	var deliveries []Delivery
	for _, webhook := range webhooks {
		if !webhook.wants(event) {
			continue
		}
		raw, err := payload(event)
		if err != nil {
			return err
		}
		deliveries = append(deliveries, Delivery{ID: deliveryID(c, webhook), Webhook: webhook, Event: event, Payload: raw})
	}
	if len(deliveries) == 0 {
		return nil
	}
	return l.store.AddDeliveries(ctx, deliveries)
}

// deliveryID names this end of this conversion for a webhook: after a retry it ends anew. It has no full stop, which
// separates what is signed.
func deliveryID(c conversion.Conversion, webhook Webhook) string {
	return string(c.ID) + "_" + strconv.FormatInt(c.FinishedAt.UnixMicro(), 10) + "_" + webhook.ID
}
