package observe

import (
	"context"
	"errors"

	"github.com/unreel/unreel/internal/mail"
	"github.com/unreel/unreel/internal/telemetry"
)

// Mail watches the sending of mail.
func Mail(sender mail.Sender, by *telemetry.Telemetry) mail.Sender {
	return mailSender{sender, eye{by, "mail"}}
}

type mailSender struct {
	mail.Sender
	eye eye
}

// Send implements mail.Sender. A mail that was not taken, and will be tried again, is a server that was away.
func (s mailSender) Send(ctx context.Context, message mail.Message) error {
	ctx, end := s.eye.look(ctx, "mail.send", "")
	err := s.Sender.Send(ctx, message)
	end(err)
	if err != nil && !errors.Is(err, mail.ErrRefused) && !errors.Is(err, mail.ErrUnknown) {
		s.eye.Metrics.Unavailable.WithLabelValues(s.eye.server).Inc()
	}
	return err
}
