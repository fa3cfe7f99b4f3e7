package database

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// errNoAnswer says that the server took longer for its first answer than a server does that is there.
var errNoAnswer = errors.New("no answer in time")

// Rows is what a Query has found.
type Rows struct {
	*sql.Rows

	end context.CancelFunc
}

// Close ends the query.
func (r *Rows) Close() error {
	defer r.end()
	return r.Rows.Close()
}

// call is a call to the database, or several, of which the first has to be answered in time. What comes after that may
// take as long as the caller's context allows: a slow statement is no lost line.
type call struct {
	end   context.CancelFunc
	timer *time.Timer // nil where there is no limit
}

// begin returns the context for a call.
func (d *DB) begin(ctx context.Context) (context.Context, call) {
	ctx, cancel := context.WithCancelCause(ctx)
	c := call{end: func() { cancel(nil) }}
	if limit := time.Duration(d.patience.Load()); limit > 0 {
		c.timer = time.AfterFunc(limit, func() { cancel(errNoAnswer) })
	}
	return ctx, c
}

// answered takes what the first answer was.
func (c call) answered(ctx context.Context, err error) error {
	if c.timer == nil || c.timer.Stop() || !errors.Is(context.Cause(ctx), errNoAnswer) {
		return err
	}
	return errNoAnswer // whatever followed from that
}
