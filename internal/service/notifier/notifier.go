// Package notifier tells owners what became of their videos. A hint says that a conversion has ended; a claim in
// the ledger makes this notifier the only one that mails about it.
package notifier

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/link"
	"github.com/unreel/unreel/internal/mail"
	"github.com/unreel/unreel/internal/queue"
	"github.com/unreel/unreel/internal/store/ledger"
)

// Config is how a notifier works.
type Config struct {
	Slots     int    // mails at once
	PublicURL string // UNREEL_PUBLIC_URL
}

const (
	// sendTime is how long one try may take; it stays below the lease.
	sendTime = time.Minute
	// settleTime is how long the outcome may take to be written down.
	settleTime = 10 * time.Second
	// linkLife is how long a link in a mail works where files are kept for ever: whoever has it can download.
	linkLife = 90 * 24 * time.Hour
)

// Notifier is the service.
type Notifier struct {
	config Config
	ledger *ledger.Ledger
	queue  queue.Queue
	sender mail.Sender
	links  *link.Signer
	hooks  *Webhooks // nil where none are called
	logger *slog.Logger
}

// New makes a Notifier. Without webhooks, which may be nil, none are called.
func New(config Config, ledger *ledger.Ledger, queue queue.Queue, sender mail.Sender, links *link.Signer, hooks *Webhooks, logger *slog.Logger) *Notifier {
	return &Notifier{config: config, ledger: ledger, queue: queue, sender: sender, links: links, hooks: hooks, logger: logger}
}

// Run notifies until the context ends, and finishes the mails that are on their way.
func (n *Notifier) Run(ctx context.Context) error {
	return n.queue.Consume(ctx, queue.MP3, n.config.Slots, n.handle)
}

// handle does what a hint asks for.
func (n *Notifier) handle(ctx context.Context, message queue.Message) error {
	id, err := conversion.ParseID(string(message.VideoID))
	if err != nil {
		return fmt.Errorf("%w: video_fid: %w", queue.ErrReject, err)
	}
	if err := n.announce(ctx, id); err != nil {
		return err
	}
	claim, err := n.ledger.ClaimMail(ctx, id)
	switch {
	case errors.Is(err, ledger.ErrHeld):
		return nil
	case errors.Is(err, ledger.ErrNotFound):
		return fmt.Errorf("%w: no conversion has the id %s", queue.ErrReject, id)
	case err != nil:
		return fmt.Errorf("claim mail: %w", err)
	}
	sent := n.send(ctx, claim)
	return n.settle(ctx, claim, sent)
}

// announce tells webhooks. It comes before the mail: whatever ends in between, the hint comes again until the mail is done.
func (n *Notifier) announce(ctx context.Context, id conversion.ID) error {
	if n.hooks == nil {
		return nil
	}
	record, err := n.ledger.Peek(ctx, id)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil // the mail says so
	}
	if err != nil {
		return fmt.Errorf("look at the conversion: %w", err)
	}
	return n.hooks.announce(ctx, record)
}

func (n *Notifier) send(ctx context.Context, claim ledger.Record) error {
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	links, err := n.sign(ctx, claim)
	if err != nil {
		return err
	}
	message, err := Compose(claim.Conversion, links)
	if err != nil {
		return err
	}
	return n.sender.Send(ctx, message)
}

// sign makes the links for a mail.
func (n *Notifier) sign(ctx context.Context, claim ledger.Record) (Links, error) {
	links := Links{Home: n.config.PublicURL}
	until := claim.ExpiresAt
	if until.IsZero() {
		until = claim.FinishedAt.Add(linkLife)
		links.Until = until
	}
	var err error
	links.Download, err = n.links.URL(ctx, claim.ID, until)
	return links, err
}

// settle writes down what became of the mail.
func (n *Notifier) settle(ctx context.Context, claim ledger.Record, sent error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	logger := n.logger.With("conversion", claim.ID, "try", claim.Mail.Attempts)
	var err error
	switch {
	case sent == nil:
		logger.InfoContext(ctx, "mail sent")
		err = n.ledger.MailDelivered(ctx, claim.ID, claim.Mail.Fence)
	case errors.Is(sent, mail.ErrRefused):
		logger.ErrorContext(ctx, "mail refused", "error", sent)
		err = n.ledger.MailRejected(ctx, claim.ID, claim.Mail.Fence, sent)
	case errors.Is(sent, mail.ErrUnknown):
		logger.WarnContext(ctx, "mail may have been sent", "error", sent)
		err = n.ledger.MailUncertain(ctx, claim.ID, claim.Mail.Fence, sent)
	default:
		logger.WarnContext(ctx, "mail not sent, will be tried again", "error", sent)
		err = n.ledger.MailFailed(ctx, claim.ID, claim.Mail.Fence, sent)
	}
	if errors.Is(err, ledger.ErrStale) {
		logger.WarnContext(ctx, "mail was taken over")
		return nil
	}
	if err != nil {
		return fmt.Errorf("settle mail: %w", err)
	}
	return nil
}
