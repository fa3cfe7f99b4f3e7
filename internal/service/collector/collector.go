// Package collector removes what nobody needs any more: the files of conversions that were deleted, broke off
// or expired, and files that no record names.
package collector

import (
	"cmp"
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
			err = errors.Join(c.ClearClosed(ctx), c.CollectDoomed(ctx))
		case <-orphans.C:
			err = c.CollectOrphans(ctx)
		}
		if err != nil && ctx.Err() == nil {
			c.logger.ErrorContext(ctx, "collection failed, will be tried again", "error", err)
		}
	}
}

// ClearClosed deletes what came in for accounts while they ended. Most of it goes when they do.
func (c *Collector) ClearClosed(ctx context.Context) error {
	buried, err := c.ledger.ClearClosed(ctx)
	for _, record := range buried {
		c.logger.InfoContext(ctx, "conversion deleted, its owner's account has ended", "conversion", record.ID, "user", record.Owner)
	}
	if err != nil {
		return fmt.Errorf("clear closed accounts: %w", err)
	}
	return nil
}

// CollectDoomed removes the files of every record whose time has come. However many cannot be removed, they do not
// keep the others, unless it is the whole store that is away. Of many failures, the first is told.
func (c *Collector) CollectDoomed(ctx context.Context) error {
	var failed error
	var after *ledger.Doom
	for {
		records, err := c.ledger.Doomed(ctx, after, batch)
		if err != nil {
			return cmp.Or(failed, fmt.Errorf("list doomed files: %w", err))
		}
		if len(records) == 0 {
			return failed
		}
		err = c.removeAll(ctx, records)
		failed = cmp.Or(failed, err)
		if err != nil && c.blobs.Check(ctx) != nil {
			return failed
		}
		last := records[len(records)-1]
		after = &ledger.Doom{FilesDue: last.FilesDue, ID: last.ID}
	}
}

// removeAll removes the files of these records, and returns the first failure and how many there were.
func (c *Collector) removeAll(ctx context.Context, records []ledger.Record) error {
	var first error
	failures := 0
	for _, record := range records {
		if err := c.remove(ctx, record.ID); err != nil {
			failures++
			first = cmp.Or(first, err)
		}
	}
	if failures > 1 {
		return fmt.Errorf("%d of %d conversions: %w", failures, len(records), first)
	}
	return first
}

func (c *Collector) remove(ctx context.Context, id conversion.ID) error {
	for _, kind := range blob.Kinds {
		if err := c.blobs.Delete(ctx, kind, id); err != nil {
			return fmt.Errorf("remove %s of %s: %w", kind, id, err)
		}
	}
	// A conflict is another collector's work: what is doomed is never retried.
	if err := c.ledger.FilesRemoved(ctx, id); err != nil && !errors.Is(err, ledger.ErrConflict) && !errors.Is(err, ledger.ErrNotFound) {
		return fmt.Errorf("note the removal of %s: %w", id, err)
	}
	c.logger.InfoContext(ctx, "files removed", "conversion", id)
	return nil
}

// CollectOrphans removes files that are old and that no record names. One that cannot be removed does not keep the
// others, unless it is the whole store that is away.
func (c *Collector) CollectOrphans(ctx context.Context) error {
	var failed error
	for _, kind := range blob.Kinds {
		failed = cmp.Or(failed, c.collectOrphansOf(ctx, kind))
	}
	return failed
}

func (c *Collector) collectOrphansOf(ctx context.Context, kind blob.Kind) error {
	var ids []conversion.ID
	var failed error
	for info, err := range c.blobs.List(ctx, kind, time.Now().Add(-c.config.OrphanAge)) {
		if err != nil {
			return cmp.Or(failed, fmt.Errorf("list %s: %w", kind, err))
		}
		ids = append(ids, info.ID)
		if len(ids) < batch {
			continue
		}
		err := c.removeUnknown(ctx, kind, ids)
		failed = cmp.Or(failed, err)
		if err != nil && c.blobs.Check(ctx) != nil {
			return failed
		}
		ids = ids[:0]
	}
	return cmp.Or(failed, c.removeUnknown(ctx, kind, ids))
}

func (c *Collector) removeUnknown(ctx context.Context, kind blob.Kind, ids []conversion.ID) error {
	known, err := c.ledger.Known(ctx, ids)
	if err != nil {
		return fmt.Errorf("look up %s: %w", kind, err)
	}
	var failed error
	for _, id := range ids {
		if known[id] {
			continue
		}
		if err := c.blobs.Delete(ctx, kind, id); err != nil {
			failed = cmp.Or(failed, fmt.Errorf("remove orphan %s of %s: %w", kind, id, err))
			continue
		}
		c.logger.WarnContext(ctx, "orphan removed", "kind", kind, "conversion", id)
	}
	return failed
}
