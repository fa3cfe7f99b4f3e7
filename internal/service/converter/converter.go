// Package converter takes videos from the queue and makes MP3s of them. A hint says which record to look at; the
// ledger says whether there is work; a claim in the ledger, kept alive while the work goes on, keeps
// everyone else away from it.
package converter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/transcode"
	"github.com/unreel/unreel/internal/queue"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/ledger"
)

// Config is how a converter works.
type Config struct {
	Slots   int           // conversions at once
	Scratch string        // folder for files on their way; what an earlier process left there is removed
	Grace   time.Duration // how long running conversions may take to finish when the converter stops
}

// Converter is the service.
type Converter struct {
	config     Config
	ledger     *ledger.Ledger
	blobs      blob.Store
	queue      queue.Queue
	transcoder *transcode.Transcoder
	logger     *slog.Logger
	wake       func()
	jobs       *jobs
}

// New makes a Converter, with an empty scratch folder. Wake is called when a record has become due.
func New(config Config, ledger *ledger.Ledger, blobs blob.Store, queue queue.Queue, transcoder *transcode.Transcoder, wake func(), logger *slog.Logger) (*Converter, error) {
	if config.Slots < 1 {
		return nil, fmt.Errorf("UNREEL_CONVERTERS is %d: it must be at least 1", config.Slots)
	}
	if err := os.RemoveAll(config.Scratch); err != nil {
		return nil, fmt.Errorf("empty the scratch folder: %w", err)
	}
	if err := os.MkdirAll(config.Scratch, 0o700); err != nil {
		return nil, fmt.Errorf("make the scratch folder: %w", err)
	}
	return &Converter{
		config: config, ledger: ledger, blobs: blobs, queue: queue, transcoder: transcoder, logger: logger,
		wake: wake, jobs: newJobs(),
	}, nil
}

// Run converts until the context ends. Then nothing new is begun, what runs has the grace time to finish, and
// what has not finished by then is handed back.
func (c *Converter) Run(ctx context.Context) error {
	subscription, unsubscribe := context.WithCancel(context.WithoutCancel(ctx))
	subscribed := make(chan error, 1)
	go func() { subscribed <- c.queue.Subscribe(subscription, c.hear) }()

	stopped := context.AfterFunc(ctx, func() {
		time.AfterFunc(c.config.Grace, func() { c.jobs.stopAll(errStopping) })
	})
	defer stopped()

	err := c.queue.Consume(ctx, queue.Video, c.config.Slots, c.handle)
	unsubscribe()
	return errors.Join(err, <-subscribed)
}

// hear stops a conversion that its owner has ended, sooner than the next heartbeat would.
func (c *Converter) hear(event conversion.Event) {
	if event.Status == conversion.Canceled || event.Status == conversion.Deleted {
		c.jobs.stop(event.ID, ledger.ErrStale)
	}
}

// handle does what a hint asks for.
func (c *Converter) handle(ctx context.Context, message queue.Message) error {
	id, err := conversion.ParseID(string(message.VideoID))
	if err != nil {
		return fmt.Errorf("%w: video_fid: %w", queue.ErrReject, err)
	}
	claim, err := c.claim(ctx, id, message)
	switch {
	case errors.Is(err, ledger.ErrHeld):
		return nil
	case err != nil:
		return fmt.Errorf("claim: %w", err)
	}
	return c.work(ctx, claim)
}
