package converter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/queue"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/ledger"
	"github.com/unreel/unreel/internal/store/users"
)

const (
	// adoptPatience is how long a store may be away until a message that only it can be served by is set aside.
	adoptPatience = 5 * time.Minute
	// adoptPause is how long it is left alone between two tries.
	adoptPause = time.Second
)

// claim claims the conversion that a hint is about. Programs of the first version of this system send hints
// without an id of ours.
func (c *Converter) claim(ctx context.Context, id conversion.ID, message queue.Message) (ledger.Record, error) {
	if message.ID == "" {
		return c.claimForeign(ctx, id, message.Username)
	}
	claim, err := c.ledger.Claim(ctx, id)
	if errors.Is(err, ledger.ErrNotFound) {
		return ledger.Record{}, fmt.Errorf("%w: no conversion has the id %s", queue.ErrReject, id)
	}
	return claim, err
}

// claimForeign claims what another program asks for. No relay repeats such a message, and it is settled whatever
// becomes of it: a store that is away is waited for, and if that takes too long the message is set aside.
func (c *Converter) claimForeign(ctx context.Context, id conversion.ID, username string) (ledger.Record, error) {
	ctx, _, end := c.jobs.begin(ctx, id)
	defer end()
	ctx, cancel := context.WithTimeout(ctx, adoptPatience)
	defer cancel()
	for {
		claim, err := c.adopt(ctx, id, username)
		if err == nil || errors.Is(err, ledger.ErrHeld) || errors.Is(err, queue.ErrReject) {
			return claim, err
		}
		select {
		case <-ctx.Done():
			return ledger.Record{}, fmt.Errorf("%w: it could not be looked into, replay it: %w", queue.ErrReject, err)
		case <-time.After(adoptPause):
		}
	}
}

// adopt claims a conversion and, if there is none, makes one of the video that another program has stored under
// this id. It belongs to no account: the mail's link is the way to its MP3.
func (c *Converter) adopt(ctx context.Context, id conversion.ID, username string) (ledger.Record, error) {
	claim, err := c.ledger.Claim(ctx, id)
	if !errors.Is(err, ledger.ErrNotFound) {
		return claim, err
	}
	address, err := users.NormalizeEmail(username)
	if err != nil {
		return ledger.Record{}, fmt.Errorf("%w: username: %w", queue.ErrReject, err)
	}
	video, err := c.blobs.Open(ctx, blob.Video, id)
	if errors.Is(err, blob.ErrNotFound) {
		return ledger.Record{}, fmt.Errorf("%w: video_fid: no conversion and no video has the id %s", queue.ErrReject, id)
	}
	if err != nil {
		return ledger.Record{}, fmt.Errorf("look for the video: %w", err)
	}
	size := video.Info().Size
	if err := video.Close(); err != nil {
		return ledger.Record{}, fmt.Errorf("look for the video: %w", err)
	}
	upload := ledger.Upload{ID: id, Username: address, Name: string(id)}
	if _, err := c.ledger.Adopt(ctx, upload, size); err != nil {
		return ledger.Record{}, fmt.Errorf("adopt the video: %w", err)
	}
	c.logger.InfoContext(ctx, "another program's video adopted", "conversion", id, "size", size)
	return c.ledger.Claim(ctx, id)
}
