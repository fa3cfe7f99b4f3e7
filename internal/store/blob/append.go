package blob

import (
	"context"
	"io"
)

// Mark is a place in a blob that is written in pieces. What lies before it lasts.
type Mark struct {
	Size  int64  // bytes before it
	Place string // the store's own name for it, to be kept and handed back
}

// Appender adds to a blob that is written in pieces. The caller closes it.
type Appender interface {
	io.Writer
	// Sync makes durable what was written, and returns the mark behind it. The mark before stays good until the next
	// Sync, all earlier ones are void: so write a mark down before asking for another.
	Sync(ctx context.Context) (Mark, error)
	// Commit makes the whole blob durable and visible at once, under the appender's own fence.
	Commit(ctx context.Context, meta Meta) error
	// Close ends the appender. What it has written stays, but only what lies before a mark can be gone on from.
	Close() error
}
