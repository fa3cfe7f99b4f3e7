package gateway

import (
	"context"
	"crypto/sha256"
	"encoding"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"time"

	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/ledger"
)

var (
	// errNotOffsetStream says that a body is not of the type that bytes of a video have.
	errNotOffsetStream = errors.New("body is not application/offset+octet-stream")
	// errBeyond says that a body has more bytes than the video has left.
	errBeyond = errors.New("more bytes than were announced")
	// errChecksum says that bytes are not those that were meant.
	errChecksum = errors.New("checksum does not match")
	// errInterrupted says that another request has taken an upload over.
	errInterrupted = errors.New("another request goes on with this upload")
)

// piece is bytes of a video on their way into the blob store.
type piece struct {
	gateway  *Gateway
	record   ledger.Record // as it was claimed
	appender blob.Appender
	digest   hash.Hash // of the whole video up to here
	sum      *checksum // of this piece; nil if it has none
	arrived  int64     // bytes

	lasts   ledger.Arrived  // what the ledger knows to last
	pending *ledger.Arrived // what lasts, and the ledger has not been told yet
	told    time.Time       // when it was last told something, whether it heard or not
}

// takePiece adds a request's body to an upload that is being received. What has come of a body that breaks off stays,
// unless it has a checksum; with the last byte the conversion is queued.
func (g *Gateway) takePiece(w http.ResponseWriter, r *http.Request, record ledger.Record, offset int64, sum *checksum) (ledger.Record, error) {
	if r.ContentLength > record.Pieces.Length-offset {
		return ledger.Record{}, errBeyond
	}
	leave, err := g.places.take(record.Owner)
	if err != nil {
		return ledger.Record{}, err
	}
	defer leave()
	body := httpx.NewRollingReader(w, r, patience)
	end, ok := g.arrivals.begin(record.ID, body.Stop)
	if !ok {
		return ledger.Record{}, ledger.ErrHeld
	}
	defer end()
	// The client may go; what has come is kept all the same.
	ctx := context.WithoutCancel(r.Context())
	p, err := g.claimPiece(ctx, record, offset, sum)
	if err != nil {
		return ledger.Record{}, err
	}
	taken, err := p.take(ctx, body)
	if err != nil && body.Stopped() || errors.Is(err, ledger.ErrStale) || errors.Is(err, blob.ErrSuperseded) {
		return ledger.Record{}, errInterrupted
	}
	return taken, err
}

// claimPiece claims the next piece and opens the blob where the last one ended.
func (g *Gateway) claimPiece(ctx context.Context, record ledger.Record, offset int64, sum *checksum) (*piece, error) {
	record, err := g.ledger.ClaimPiece(ctx, record.Owner, record.ID, offset)
	if err != nil {
		return nil, err
	}
	p := &piece{gateway: g, record: record, digest: sha256.New(), sum: sum, lasts: record.Pieces.Arrived, told: time.Now()}
	err = p.open(ctx)
	switch {
	case err == nil:
		return p, nil
	case errors.Is(err, blob.ErrNotFound):
		// A database that was restored without its blobs names bytes that are not there.
		g.logger.ErrorContext(ctx, "upload given up, since what had come of it is lost", "conversion", record.ID, "error", err)
		_, gone := g.ledger.Terminate(ctx, record.Owner, record.ID)
		return nil, errors.Join(ledger.ErrNotFound, gone)
	default:
		p.letGo(ctx)
		return nil, err
	}
}

func (p *piece) open(ctx context.Context) (err error) {
	if state := p.lasts.Digest; state != nil {
		if err := p.digest.(encoding.BinaryUnmarshaler).UnmarshalBinary(state); err != nil { //nolint:errcheck,forcetypeassert // its documentation says so
			return fmt.Errorf("go on with the video's SHA-256: %w", err)
		}
	}
	from := blob.Mark{Size: p.lasts.Offset, Place: p.lasts.Place}
	p.appender, err = p.gateway.blobs.Append(ctx, blob.Video, p.record.ID, p.record.Fence, from)
	if err != nil {
		return fmt.Errorf("go on with the video: %w", err)
	}
	return nil
}

// take receives the piece and settles it.
func (p *piece) take(ctx context.Context, body io.Reader) (ledger.Record, error) {
	received := p.receive(ctx, body)
	record, err := p.settle(ctx, received)
	if closed := p.appender.Close(); closed != nil {
		p.gateway.logger.WarnContext(ctx, "video not closed", "conversion", p.record.ID, "error", closed)
	}
	return record, err
}

// receive copies the body.
func (p *piece) receive(ctx context.Context, body io.Reader) error {
	left := p.record.Pieces.Length - p.lasts.Offset
	limited := io.LimitReader(body, left+1)
	buffer := make([]byte, copyBuffer)
	for {
		n, err := limited.Read(buffer)
		if p.arrived+int64(n) > left {
			return errBeyond
		}
		if n > 0 {
			if err := p.write(ctx, buffer[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errBroken, err)
		}
	}
}

func (p *piece) write(ctx context.Context, data []byte) error {
	if _, err := p.appender.Write(data); err != nil {
		return fmt.Errorf("write video: %w", err)
	}
	p.digest.Write(data)
	if p.sum != nil {
		p.sum.Write(data)
	}
	p.arrived += int64(len(data))
	return p.keep(ctx)
}
