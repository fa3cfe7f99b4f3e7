package ledger

import (
	"context"
	"errors"
	"time"

	"github.com/unreel/unreel/internal/conversion"
)

// ErrOffset says that a piece does not begin where the pieces before it end.
var ErrOffset = errors.New("the video goes on at another offset")

// Pieces is how far a video has come that arrives in pieces, over any number of requests. The zero Pieces is a video that
// comes whole.
type Pieces struct {
	Length   int64  `json:"length"`             // bytes that were announced
	Metadata string `json:"metadata,omitempty"` // as it was sent, to be shown again
	Arrived
}

// Arrived is what lasts of a video that arrives in pieces. Whoever takes the next piece goes on from here.
type Arrived struct {
	Offset int64  `json:"offset"`           // bytes
	Place  string `json:"place,omitempty"`  // what the blob store calls the place behind them
	Digest []byte `json:"digest,omitempty"` // the state of their SHA-256
}

// ReceivePieces adds a conversion whose video is about to arrive in pieces of this many bytes together. It is given up
// when nothing has come for Config.UploadLife, which WakeDue says; nobody holds it until a piece is claimed.
func (l *Ledger) ReceivePieces(ctx context.Context, upload Upload, length int64, metadata string) (Record, error) {
	return l.store.Insert(ctx, func(now time.Time) Record {
		r := upload.receiving(now)
		r.Pieces = Pieces{Length: length, Metadata: metadata}
		r.WakeDue = now.Add(l.config.UploadLife)
		return r
	})
}

// GetUpload returns an owner's conversion whose video arrives, or has arrived, in pieces. ErrNotFound is also for one that
// was given up.
func (l *Ledger) GetUpload(ctx context.Context, owner string, id conversion.ID) (Record, error) {
	record, err := l.store.Get(ctx, id)
	if err != nil {
		return Record{}, err
	}
	if !record.uploadOf(owner) {
		return Record{}, ErrNotFound
	}
	return record, nil
}

// ClaimPiece lets the caller add to a video from an offset on, for one lease. ErrHeld means that somebody else does,
// ErrOffset that the video goes on elsewhere or is complete.
func (l *Ledger) ClaimPiece(ctx context.Context, owner string, id conversion.ID, offset int64) (Record, error) {
	return l.store.Update(ctx, id, func(r *Record, now time.Time) error {
		switch {
		case !r.uploadOf(owner):
			return ErrNotFound
		case r.Status != conversion.Receiving:
			return ErrOffset
		case !r.WakeDue.After(now):
			return ErrNotFound // nobody has buried it yet
		case r.LeaseUntil.After(now):
			return ErrHeld
		case r.Pieces.Offset != offset:
			return ErrOffset
		}
		r.Fence++
		l.holdPiece(r, now)
		return nil
	})
}

// KeepPiece says that bytes still arrive.
func (l *Ledger) KeepPiece(ctx context.Context, id conversion.ID, fence int64) error {
	_, err := l.updatePiece(ctx, id, fence, func(r *Record, now time.Time) error {
		l.holdPiece(r, now)
		return nil
	})
	return err
}

// SavePiece says how much lasts by now, and that more is arriving.
func (l *Ledger) SavePiece(ctx context.Context, id conversion.ID, fence int64, arrived Arrived) error {
	_, err := l.updatePiece(ctx, id, fence, func(r *Record, now time.Time) error {
		l.holdPiece(r, now)
		return r.arrive(arrived)
	})
	return err
}

// EndPiece says how much lasts and lets the next piece come.
func (l *Ledger) EndPiece(ctx context.Context, id conversion.ID, fence int64, arrived Arrived) (Record, error) {
	return l.updatePiece(ctx, id, fence, func(r *Record, now time.Time) error {
		r.letGo(now.Add(l.config.UploadLife))
		return r.arrive(arrived)
	})
}

// AcceptPieces queues a conversion whose last piece is durable, with the SHA-256 of all of them in hex. From here on it is
// a promise. ErrStale means that the caller's claim was taken over.
func (l *Ledger) AcceptPieces(ctx context.Context, id conversion.ID, fence int64, sha256 string) (Record, error) {
	return l.updatePiece(ctx, id, fence, func(r *Record, now time.Time) error {
		r.Pieces.Arrived = Arrived{Offset: r.Pieces.Length}
		r.Video.Size, r.Video.SHA256 = r.Pieces.Length, sha256
		r.enqueue(now)
		return nil
	})
}

// Terminate makes an owner's upload a tombstone, complete or not, with the conversion that came of it.
func (l *Ledger) Terminate(ctx context.Context, owner string, id conversion.ID) (Record, error) {
	return l.store.Update(ctx, id, func(r *Record, now time.Time) error {
		if !r.uploadOf(owner) {
			return ErrNotFound
		}
		l.bury(r, now)
		return nil
	})
}

func (l *Ledger) updatePiece(ctx context.Context, id conversion.ID, fence int64, change func(r *Record, now time.Time) error) (Record, error) {
	return l.store.Update(ctx, id, func(r *Record, now time.Time) error {
		if r.Status != conversion.Receiving || !r.inPieces() || r.Fence != fence {
			return ErrStale
		}
		return change(r, now)
	})
}

// holdPiece renews the claim on the next piece, and the time until the whole is given up.
func (l *Ledger) holdPiece(r *Record, now time.Time) {
	r.LeaseUntil = now.Add(l.config.PieceLease)
	r.WakeDue = now.Add(l.config.UploadLife)
	r.Wakes = 0
}

// arrive notes what lasts. The last byte is noted by AcceptPieces alone: whoever asks for the offset and finds all bytes
// there must find the conversion, too.
func (r *Record) arrive(arrived Arrived) error {
	if arrived.Offset < r.Pieces.Offset || arrived.Offset >= r.Pieces.Length {
		return ErrOffset
	}
	r.Pieces.Arrived = arrived
	return nil
}

func (r *Record) inPieces() bool { return r.Pieces.Length > 0 }

func (r *Record) uploadOf(owner string) bool {
	return r.Owner == owner && r.inPieces() && r.Status != conversion.Deleted
}
