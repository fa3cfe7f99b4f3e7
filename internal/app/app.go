// Package app puts the services together: it reads the settings, opens what they name, starts the parts in
// the right order and stops them in the opposite one. It is the only package that knows backends.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/unreel/unreel/internal/store/database"
)

// All runs every service in this process until the context ends, and returns nil after an orderly stop.
// Greet is called once everything listens, with the public URL.
func All(ctx context.Context, settings Settings, logs io.Writer, greet func(url string)) (failed error) {
	if err := settings.complete(); err != nil {
		return err
	}
	logger, err := newLogger(settings, logs)
	if err != nil {
		return err
	}
	opened := &stack{}
	defer func() { failed = errors.Join(failed, opened.closeAll()) }()

	unlock, err := lockData(settings.Data)
	if err != nil {
		return err
	}
	opened.push("data folder", unlock)
	stores, err := openBackends(settings, opened, logger)
	if err != nil {
		return err
	}
	if err := migrate(ctx, stores.database); err != nil {
		return err
	}
	// The lock says that whoever held a lease in this ledger, and whatever hints there were, are gone.
	if err := stores.ledger.Recover(ctx); err != nil {
		return fmt.Errorf("take up what was left: %w", err)
	}
	components, err := newServices(settings, stores, opened, logger)
	if err != nil {
		return err
	}
	greet(settings.PublicURL)
	return runAll(ctx, components, logger)
}

// scratch is the folder for files on their way; it is emptied at every start.
func scratch(settings Settings) string {
	return filepath.Join(settings.Data, "tmp")
}

// Migrate creates or upgrades the SQL schema.
func Migrate(ctx context.Context, settings Settings) (failed error) {
	if err := settings.complete(); err != nil {
		return err
	}
	return withDatabase(ctx, settings, func(*database.DB) error { return nil })
}

// withDatabase opens the database, brings its tables up to date, and closes it after use.
func withDatabase(ctx context.Context, settings Settings, use func(*database.DB) error) (failed error) {
	db, err := openDatabase(settings)
	if err != nil {
		return err
	}
	defer func() { failed = errors.Join(failed, db.Close()) }()
	if err := migrate(ctx, db); err != nil {
		return err
	}
	return use(db)
}

// newLogger writes lines for people to a terminal and JSON elsewhere.
func newLogger(settings Settings, logs io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(settings.LogLevel)); err != nil {
		return nil, &SettingError{"UNREEL_LOG_LEVEL", settings.LogLevel, "must be debug, info, warn or error"}
	}
	options := &slog.HandlerOptions{Level: level}
	if isTerminal(logs) {
		return slog.New(slog.NewTextHandler(logs, options)), nil
	}
	return slog.New(slog.NewJSONHandler(logs, options)), nil
}

// stopGrace is how long running conversions may take to finish at a stop. With what follows it stays
// below the 30 s that an orchestrator waits.
const stopGrace = 20 * time.Second
