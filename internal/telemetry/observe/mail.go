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

// AccountMail counts what comes of mails about accounts. Those about conversions are counted where their outcome is
// written down; of these nothing is left but what the mail server says.
func AccountMail(sender mail.Sender, by *telemetry.Telemetry) mail.Sender {
	return accountMail{sender, by.Metrics}
}

type accountMail struct {
	mail.Sender

	metrics *telemetry.Metrics
}

// Send implements mail.Sender.
func (s accountMail) Send(ctx context.Context, message mail.Message) error {
	err := s.Sender.Send(ctx, message)
	result := telemetry.Sent
	switch {
	case errors.Is(err, mail.ErrRefused):
		result = telemetry.Refused
	case errors.Is(err, mail.ErrUnknown):
		result = telemetry.Unknown
	case err != nil:
		result = telemetry.Failed
	}
	s.metrics.AccountMails.WithLabelValues(result).Inc()
	return err
}
