// Package collector removes what nobody needs any more: the files of conversions that were deleted, broke off
// or expired, and files that no record names.
package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/ledger"
)

// Config is when the collector works.
type Config struct {
	Interval       time.Duration // between two looks for doomed files
	OrphanInterval time.Duration // between two looks for orphans
	OrphanAge      time.Duration // how long a file without a record is left alone
}

// DefaultConfig is what the services run with.
func DefaultConfig() Config {
	return Config{Interval: 30 * time.Second, OrphanInterval: time.Hour, OrphanAge: 24 * time.Hour}
}

// batch is how many records or files are taken at a time.
const batch = 100

// Collector removes files.
type Collector struct {
	config Config
	ledger *ledger.Ledger
	blobs  blob.Store
	logger *slog.Logger
}

// New makes a Collector.
func New(config Config, ledger *ledger.Ledger, blobs blob.Store, logger *slog.Logger) *Collector {
	return &Collector{config: config, ledger: ledger, blobs: blobs, logger: logger}
}

// Run collects until the context ends.
func (c *Collector) Run(ctx context.Context) error {
	doomed, orphans := time.NewTicker(c.config.Interval), time.NewTicker(c.config.OrphanInterval)
	defer doomed.Stop()
	defer orphans.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-doomed.C:
			err = c.CollectDoomed(ctx)
		case <-orphans.C:
			err = c.CollectOrphans(ctx)
		}
		if err != nil && ctx.Err() == nil {
			c.logger.Error("collection failed, will be tried again", "error", err)
		}
	}
}

// CollectDoomed removes the files of every record whose time has come. One whose files cannot be removed does not keep
// those beside it.
func (c *Collector) CollectDoomed(ctx context.Context) error {
	for {
		records, err := c.ledger.Doomed(ctx, batch)
		if err != nil {
			return fmt.Errorf("list doomed files: %w", err)
		}
		var failed error
		for _, record := range records {
			failed = errors.Join(failed, c.remove(ctx, record.ID))
		}
		if failed != nil || len(records) < batch {
			return failed
		}
	}
}

func (c *Collector) remove(ctx context.Context, id conversion.ID) error {
	for _, kind := range blob.Kinds {
		if err := c.blobs.Delete(ctx, kind, id); err != nil {
			return fmt.Errorf("remove %s of %s: %w", kind, id, err)
		}
	}
	// A conflict is a retry that came between: it is not doomed any more. Its video is gone, which the
	// converter will say.
	if err := c.ledger.FilesRemoved(ctx, id); err != nil && !errors.Is(err, ledger.ErrConflict) && !errors.Is(err, ledger.ErrNotFound) {
		return fmt.Errorf("note the removal of %s: %w", id, err)
	}
	c.logger.Info("files removed", "conversion", id)
	return nil
}

// CollectOrphans removes files that are old and that no record names.
func (c *Collector) CollectOrphans(ctx context.Context) error {
	before := time.Now().Add(-c.config.OrphanAge)
	for _, kind := range blob.Kinds {
		var ids []conversion.ID
		for info, err := range c.blobs.List(ctx, kind, before) {
			if err != nil {
				return fmt.Errorf("list %s: %w", kind, err)
			}
			ids = append(ids, info.ID)
			if len(ids) == batch {
				if err := c.removeUnknown(ctx, kind, ids); err != nil {
					return err
				}
				ids = ids[:0]
			}
		}
		if err := c.removeUnknown(ctx, kind, ids); err != nil {
			return err
		}
	}
	return nil
}

func (c *Collector) removeUnknown(ctx context.Context, kind blob.Kind, ids []conversion.ID) error {
	known, err := c.ledger.Known(ctx, ids)
	if err != nil {
		return fmt.Errorf("look up %s: %w", kind, err)
	}
	for _, id := range ids {
		if known[id] {
			continue
		}
		if err := c.blobs.Delete(ctx, kind, id); err != nil {
			return fmt.Errorf("remove orphan %s of %s: %w", kind, id, err)
		}
		c.logger.Warn("orphan removed", "kind", kind, "conversion", id)
	}
	return nil
}
