package faults

import (
	"context"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/ledger"
	"github.com/unreel/unreel/internal/store/users"
)

// Ledger puts the trap around a ledger's effects.
func (t *Trap) Ledger(store ledger.Store) ledger.Store { return trappedLedger{store, t} }

type trappedLedger struct {
	ledger.Store
	trap *Trap
}

// Insert implements ledger.Store.
func (l trappedLedger) Insert(ctx context.Context, build func(now time.Time) ledger.Record) (ledger.Record, error) {
	defer l.trap.leave(l.trap.enter("ledger.Insert"))
	return l.Store.Insert(ctx, build)
}

// Update implements ledger.Store.
func (l trappedLedger) Update(ctx context.Context, id conversion.ID, change func(r *ledger.Record, now time.Time) error) (ledger.Record, error) {
	defer l.trap.leave(l.trap.enter("ledger.Update"))
	return l.Store.Update(ctx, id, change)
}

// UpdateDue implements ledger.Store.
func (l trappedLedger) UpdateDue(ctx context.Context, limit int, change func(r *ledger.Record, now time.Time)) ([]ledger.Record, error) {
	defer l.trap.leave(l.trap.enter("ledger.UpdateDue"))
	return l.Store.UpdateDue(ctx, limit, change)
}

// UpdateAwake implements ledger.Store.
func (l trappedLedger) UpdateAwake(ctx context.Context, change func(r *ledger.Record, now time.Time)) error {
	defer l.trap.leave(l.trap.enter("ledger.UpdateAwake"))
	return l.Store.UpdateAwake(ctx, change)
}

// Forget implements ledger.Store.
func (l trappedLedger) Forget(ctx context.Context, id conversion.ID) error {
	defer l.trap.leave(l.trap.enter("ledger.Forget"))
	return l.Store.Forget(ctx, id)
}

// Secret implements ledger.Store.
func (l trappedLedger) Secret(ctx context.Context, name string, offer []byte) ([]byte, error) {
	defer l.trap.leave(l.trap.enter("ledger.Secret"))
	return l.Store.Secret(ctx, name, offer)
}

// Blobs puts the trap around a blob store's effects. Files that ffmpeg can read where they lie stay so.
func (t *Trap) Blobs(store blob.Store) blob.Store {
	trapped := trappedBlobs{store, t}
	if local, ok := store.(blob.Local); ok {
		return struct {
			trappedBlobs
			blob.Local
		}{trapped, local}
	}
	return trapped
}

type trappedBlobs struct {
	blob.Store
	trap *Trap
}

// Create implements blob.Store.
func (b trappedBlobs) Create(ctx context.Context, kind blob.Kind, id conversion.ID) (blob.Writer, error) {
	defer b.trap.leave(b.trap.enter("blob.Create"))
	writer, err := b.Store.Create(ctx, kind, id)
	if err != nil {
		return nil, err
	}
	return trappedWriter{writer, b.trap}, nil
}

// Append implements blob.Store.
func (b trappedBlobs) Append(ctx context.Context, kind blob.Kind, id conversion.ID, fence int64, from blob.Mark) (blob.Appender, error) {
	defer b.trap.leave(b.trap.enter("blob.Append"))
	appender, err := b.Store.Append(ctx, kind, id, fence, from)
	if err != nil {
		return nil, err
	}
	return trappedAppender{appender, b.trap}, nil
}

// Delete implements blob.Store.
func (b trappedBlobs) Delete(ctx context.Context, kind blob.Kind, id conversion.ID) error {
	defer b.trap.leave(b.trap.enter("blob.Delete"))
	return b.Store.Delete(ctx, kind, id)
}

type trappedWriter struct {
	blob.Writer
	trap *Trap
}

// Write implements io.Writer.
func (w trappedWriter) Write(p []byte) (int, error) {
	defer w.trap.leave(w.trap.enter("blob.Write"))
	return w.Writer.Write(p)
}

// Commit implements blob.Writer.
func (w trappedWriter) Commit(ctx context.Context, meta blob.Meta) error {
	defer w.trap.leave(w.trap.enter("blob.Commit"))
	return w.Writer.Commit(ctx, meta)
}

// Abort implements blob.Writer.
func (w trappedWriter) Abort() error {
	defer w.trap.leave(w.trap.enter("blob.Abort"))
	return w.Writer.Abort()
}

type trappedAppender struct {
	blob.Appender
	trap *Trap
}

// Write implements io.Writer.
func (a trappedAppender) Write(p []byte) (int, error) {
	defer a.trap.leave(a.trap.enter("blob.Write"))
	return a.Appender.Write(p)
}

// Sync implements blob.Appender.
func (a trappedAppender) Sync(ctx context.Context) (blob.Mark, error) {
	defer a.trap.leave(a.trap.enter("blob.Sync"))
	return a.Appender.Sync(ctx)
}

// Commit implements blob.Appender.
func (a trappedAppender) Commit(ctx context.Context, meta blob.Meta) error {
	defer a.trap.leave(a.trap.enter("blob.Commit"))
	return a.Appender.Commit(ctx, meta)
}

// Users puts the trap around what a service does to accounts.
func (t *Trap) Users(store users.Store) users.Store { return trappedUsers{store, t} }

type trappedUsers struct {
	users.Store
	trap *Trap
}

// Create implements users.Store.
func (u trappedUsers) Create(ctx context.Context, user users.User) error {
	defer u.trap.leave(u.trap.enter("users.Create"))
	return u.Store.Create(ctx, user)
}

// Keys implements users.Store.
func (u trappedUsers) Keys(ctx context.Context, offer users.Key) ([]users.Key, error) {
	defer u.trap.leave(u.trap.enter("users.Keys"))
	return u.Store.Keys(ctx, offer)
}
