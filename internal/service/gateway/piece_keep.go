package gateway

import (
	"context"
	"encoding"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/ledger"
)

// settle keeps what has come of a piece, or queues the conversion if that was the last of the video.
func (p *piece) settle(ctx context.Context, received error) (ledger.Record, error) {
	whole := received == nil || errors.Is(received, errBroken) && p.sum == nil
	if received == nil && p.sum != nil && !p.sum.matches() {
		received, whole = errChecksum, false
	}
	if !whole {
		p.letGo(ctx)
		return ledger.Record{}, received
	}
	settle := p.end
	if p.offset() == p.record.Pieces.Length {
		settle, received = p.accept, nil
	}
	record, err := settle(ctx)
	if err != nil {
		p.letGo(ctx)
		return ledger.Record{}, err
	}
	return record, received
}

// offset is how far the video has come with what has arrived.
func (p *piece) offset() int64 { return p.record.Pieces.Offset + p.arrived }

// letGo ends the claim and leaves the upload where the ledger knows it to be. If that fails, the claim runs out.
func (p *piece) letGo(ctx context.Context) {
	_, err := p.gateway.ledger.EndPiece(ctx, p.record.ID, p.record.Fence, p.lasts)
	if err != nil && !errors.Is(err, ledger.ErrStale) && !errors.Is(err, ledger.ErrNotFound) {
		p.gateway.logger.WarnContext(ctx, "upload's claim not ended", "conversion", p.record.ID, "error", err)
	}
}

// keep tells the ledger now and then what has come, so that little is lost if this process dies.
func (p *piece) keep(ctx context.Context) error {
	if time.Since(p.told) < p.interval() {
		return nil
	}
	p.told = time.Now()
	if err := p.sync(ctx); err != nil {
		return err
	}
	return p.tolerate(ctx, p.save(ctx))
}

// tolerate passes over a ledger that is away and will be told later: while it is, nobody else can take the upload over.
func (p *piece) tolerate(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, ledger.ErrStale) || errors.Is(err, ledger.ErrNotFound) {
		return err
	}
	p.gateway.logger.WarnContext(ctx, "upload's claim not renewed, will be tried again", "conversion", p.record.ID, "error", err)
	return nil
}

func (p *piece) interval() time.Duration { return p.gateway.ledger.Config().PieceLease / 4 }

// sync makes durable what has come, unless something is yet to be told or checked.
func (p *piece) sync(ctx context.Context) error {
	if p.pending != nil || p.sum != nil {
		return nil
	}
	mark, err := p.appender.Sync(ctx)
	if err != nil {
		return fmt.Errorf("keep what has come of the video: %w", err)
	}
	state, err := p.digest.(encoding.BinaryMarshaler).MarshalBinary() //nolint:errcheck,forcetypeassert // its documentation says so
	if err != nil {
		return fmt.Errorf("keep the video's SHA-256: %w", err)
	}
	p.pending = &ledger.Arrived{Offset: mark.Size, Place: mark.Place, Digest: state}
	return nil
}

// save tells the ledger what lasts, and that more is arriving. What is complete is told by accept alone.
func (p *piece) save(ctx context.Context) error {
	if p.pending == nil || p.pending.Offset == p.record.Pieces.Length {
		return p.gateway.ledger.KeepPiece(ctx, p.record.ID, p.record.Fence)
	}
	if err := p.gateway.ledger.SavePiece(ctx, p.record.ID, p.record.Fence, *p.pending); err != nil {
		return err
	}
	p.lasts, p.pending = *p.pending, nil
	return nil
}

// end makes durable what has come and lets the next piece come.
func (p *piece) end(ctx context.Context) (ledger.Record, error) {
	p.sum = nil // it did match
	if p.pending != nil {
		if err := p.save(ctx); err != nil {
			return ledger.Record{}, err
		}
	}
	if err := p.sync(ctx); err != nil {
		return ledger.Record{}, err
	}
	return p.gateway.ledger.EndPiece(ctx, p.record.ID, p.record.Fence, *p.pending)
}

// accept makes the video durable and then queues the conversion. A commit under a claim that was lost would do no harm, but
// be for nothing.
func (p *piece) accept(ctx context.Context) (ledger.Record, error) {
	keep := func() error { return p.gateway.ledger.KeepPiece(ctx, p.record.ID, p.record.Fence) }
	if err := keep(); err != nil {
		return ledger.Record{}, err
	}
	digest := hex.EncodeToString(p.digest.Sum(nil))
	meta := blob.Meta{Owner: p.record.Owner, ContentType: "application/octet-stream", SHA256: digest}
	err := during(p.interval(),
		func() error { return p.appender.Commit(ctx, meta) },
		func() error { return p.tolerate(ctx, keep()) })
	if err != nil {
		return ledger.Record{}, fmt.Errorf("commit video: %w", err)
	}
	record, err := p.gateway.ledger.AcceptPieces(ctx, p.record.ID, p.record.Fence, digest)
	if err != nil {
		return ledger.Record{}, fmt.Errorf("accept conversion: %w", err)
	}
	p.gateway.accepted(ctx, record)
	return record, nil
}
