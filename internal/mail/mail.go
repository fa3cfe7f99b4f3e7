// Package mail is the contract for what delivers mail. What a mail says is the notifier's business.
package mail

import (
	"context"
	"errors"
)

// Message is one mail to one person.
type Message struct {
	// ID is the Message-ID without angle brackets, the same for every try of the same mail (RFC 5322, 3.6.4).
	ID      string
	To      string // a bare address
	Subject string
	Text    string
	HTML    string
}

var (
	// ErrRefused says that the server will never take this mail (SMTP 5xx): a retry is of no use.
	ErrRefused = errors.New("mail refused")
	// ErrUnknown says that the connection broke after the mail was handed over and before the
	// server's answer: it may or may not have been taken.
	ErrUnknown = errors.New("mail may have been delivered")
)

// Sender delivers mail.
type Sender interface {
	// Send returns nil when the mail has been taken over for good. An error that is neither ErrRefused nor
	// ErrUnknown means that it has not been taken and may be tried again.
	Send(ctx context.Context, message Message) error
	// Check returns nil when mail can be handed over, and else says in words why not.
	Check(ctx context.Context) error
}
