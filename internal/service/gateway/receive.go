package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/ledger"
)

var (
	// errTooLarge says that a video has more bytes than UNREEL_MAX_UPLOAD.
	errTooLarge = errors.New("upload is too large")
	// errBroken says that the client stopped sending, or sent nonsense, before the video was complete.
	errBroken = errors.New("upload broke off")
)

// cleanupTime is how long the removal of a broken upload may take. The client's context is dead by then.
const cleanupTime = 10 * time.Second

// copyBuffer is how much of a video is in memory at once, in bytes.
const copyBuffer = 256 << 10

// incoming is a video on its way into the blob store. Its record exists before its first byte; the
// record is queued only once the bytes are durable.
type incoming struct {
	gateway *Gateway
	id      conversion.ID
	writer  blob.Writer
	digest  hash.Hash
	size    int64
	kept    time.Time // when the ledger last heard that bytes arrive
	asked   time.Time // when it was last told, whether it heard or not
}

// begin makes the record and opens the blob. ErrKeyInUse comes with the record that has the key.
func (g *Gateway) begin(ctx context.Context, upload ledger.Upload) (*incoming, ledger.Record, error) {
	record, err := g.ledger.Receive(ctx, upload)
	if err != nil {
		return nil, record, err
	}
	in := &incoming{gateway: g, id: upload.ID, digest: sha256.New(), kept: time.Now()}
	in.writer, err = g.blobs.Create(ctx, blob.Video, upload.ID)
	if err != nil {
		in.abandon(ctx)
		return nil, ledger.Record{}, fmt.Errorf("create video: %w", err)
	}
	return in, record, nil
}

// receive copies the video and takes its SHA-256 on the way.
func (in *incoming) receive(ctx context.Context, body io.Reader) error {
	limited := io.LimitReader(body, in.gateway.config.MaxUpload+1)
	buffer := make([]byte, copyBuffer)
	for {
		n, err := limited.Read(buffer)
		if n > 0 {
			if err := in.write(ctx, buffer[:n]); err != nil {
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

func (in *incoming) write(ctx context.Context, p []byte) error {
	in.size += int64(len(p))
	if in.size > in.gateway.config.MaxUpload {
		return errTooLarge
	}
	in.digest.Write(p)
	if _, err := in.writer.Write(p); err != nil {
		return fmt.Errorf("write video: %w", err)
	}
	return in.keep(ctx)
}

// keep tells the ledger now and then that bytes arrive. A ledger that is away is asked again, for as long as the lease
// lasts for certain.
func (in *incoming) keep(ctx context.Context) error {
	lease := in.gateway.ledger.Config().ReceiveLease
	if time.Since(in.kept) < lease/4 || time.Since(in.asked) < lease/16 {
		return nil
	}
	in.asked = time.Now()
	err := in.gateway.ledger.KeepReceiving(ctx, in.id)
	switch {
	case err == nil:
		in.kept = in.asked
		return nil
	case ctx.Err() == nil && !errors.Is(err, ledger.ErrStale) && !errors.Is(err, ledger.ErrNotFound) && time.Since(in.kept) < lease*2/3:
		in.gateway.logger.WarnContext(ctx, "upload's claim not renewed, will be tried again", "conversion", in.id, "error", err)
		return nil
	default:
		return fmt.Errorf("keep the upload's claim: %w", err)
	}
}

// accept makes the video durable and then queues the conversion. From here on the client may go away.
func (in *incoming) accept(ctx context.Context, owner string) (ledger.Record, error) {
	digest := hex.EncodeToString(in.digest.Sum(nil))
	meta := blob.Meta{Owner: owner, ContentType: "application/octet-stream", SHA256: digest}
	if err := in.commit(ctx, meta); err != nil {
		return ledger.Record{}, fmt.Errorf("commit video: %w", err)
	}
	record, err := in.gateway.ledger.Accept(ctx, in.id, in.size, digest)
	if errors.Is(err, ledger.ErrStale) {
		// It is certain that nobody will ask for the video.
		err = errors.Join(err, in.gateway.blobs.Delete(ctx, blob.Video, in.id))
	}
	if err != nil {
		return ledger.Record{}, fmt.Errorf("accept conversion: %w", err)
	}
	in.gateway.accepted(ctx, record)
	return record, nil
}

// accepted tells of a video that is durable and queued.
func (g *Gateway) accepted(ctx context.Context, record ledger.Record) {
	g.wake()
	g.announce(ctx, record)
	g.logger.InfoContext(ctx, "video accepted", "conversion", record.ID, "user", record.Owner, "size", record.Video.Size)
}

// commit makes the video durable.
func (in *incoming) commit(ctx context.Context, meta blob.Meta) error {
	interval := in.gateway.ledger.Config().ReceiveLease / 16
	return during(interval, func() error { return in.writer.Commit(ctx, meta) }, func() error { return in.keep(ctx) })
}

// during commits, which can take longer than a claim lasts if the video is large, and keeps the claim meanwhile.
func during(interval time.Duration, commit, keep func() error) error {
	committed := make(chan error, 1)
	go func() { committed <- commit() }()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case err := <-committed:
			return err
		case <-ticker.C:
			if err := keep(); err != nil {
				return errors.Join(err, <-committed)
			}
		}
	}
}

// abandon leaves nothing behind of an upload that was not accepted.
func (in *incoming) abandon(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	var aborted error
	if in.writer != nil {
		aborted = in.writer.Abort()
	}
	if err := errors.Join(aborted, in.gateway.ledger.Abandon(ctx, in.id)); err != nil {
		// The lease runs out, and the collector does what could not be done here.
		in.gateway.logger.WarnContext(ctx, "broken upload not removed yet", "conversion", in.id, "error", err)
	}
}
