// Package queue is the contract for how services wake each other. A message is a hint: "look at this id
// now". What is to be done stands in the ledger, so a hint that is lost costs a little time and one that
// comes twice costs nothing; the relay sends hints again for whatever is due.
//
// Every backend passes the suite in queuetest.
package queue

import (
	"context"
	"errors"

	"github.com/unreel/unreel/internal/conversion"
)

// Topic is where a hint goes. Its text is the queue's name in RabbitMQ, kept from the first version.
type Topic string

// The topics.
const (
	Video Topic = "video" // a video waits for a converter
	MP3   Topic = "mp3"   // a conversion has ended and its owner waits to be told
)

// Message is a hint's body. The first three fields are the whole message of the first version.
type Message struct {
	VideoID  conversion.ID       `json:"video_fid"`
	MP3ID    *conversion.ID      `json:"mp3_fid"`
	Username string              `json:"username"`
	ID       conversion.ID       `json:"id,omitempty"`
	Status   conversion.Status   `json:"status,omitempty"`
	Options  *conversion.Options `json:"options,omitempty"`
	Attempt  int                 `json:"attempt,omitempty"`
	Error    *Error              `json:"error,omitempty"`

	// Trace is where in a trace the hint was sent, as a W3C traceparent, or empty. It goes beside the body: in RabbitMQ
	// in the header of that name.
	Trace string `json:"-"`
}

// Error tells in a message why a conversion failed.
type Error struct {
	Type   string `json:"type"` // "/problems/" and the slug
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

// Handler does what a hint asks for. A hint is settled when the handler returns, whatever it returns: a
// handler that cannot work now leaves the record due, and the relay hints again. Only an error that wraps
// ErrReject means more: the message makes no sense and is set aside for people to look at.
type Handler func(ctx context.Context, message Message) error

// ErrReject says that a message can never be handled.
var ErrReject = errors.New("message rejected")

// Queue carries hints and events.
type Queue interface {
	// Publish hands one hint to some consumer of the topic. An error means that it may not have
	// been taken over.
	Publish(ctx context.Context, topic Topic, message Message) error
	// Consume runs the handler on hints, at most slots at once, until the context ends; it then waits for
	// running handlers and returns nil. A handler's context is not ended by Consume's: the
	// handlers' owner decides how long they may take to finish.
	Consume(ctx context.Context, topic Topic, slots int, handler Handler) error
	// Announce tells every subscriber in every process of a change. It never blocks for long; events
	// may be lost.
	Announce(ctx context.Context, event conversion.Event) error
	// Subscribe calls the handler for every event, in the order of each conversion, until the context
	// ends; then it returns nil. The handler must be quick.
	Subscribe(ctx context.Context, handler func(conversion.Event)) error
	// Check returns nil when hints can be sent, and else says in words why not.
	Check(ctx context.Context) error
	// Close ends everything; call it after every Consume and Subscribe has returned.
	Close() error
}
