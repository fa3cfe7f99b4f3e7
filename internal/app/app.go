// Package app puts the services together: it reads the settings, opens what they name, starts the parts in
// the right order and stops them in the opposite one. It is the only package that knows backends.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/internal/telemetry"
)

// stopGrace is how long running conversions may take to finish at a stop. With what follows it stays
// below the 30 s that an orchestrator waits.
const stopGrace = 20 * time.Second

// All runs every service in this process until the context ends, and returns nil after an orderly stop.
// Greet is called once everything listens, with the public URL.
func All(ctx context.Context, settings Settings, logs io.Writer, greet func(url string)) error {
	if err := settings.completeAlone(); err != nil {
		return err
	}
	return run(ctx, settings, allRoles, logs, greet)
}

// Gateway runs the public door alone.
func Gateway(ctx context.Context, settings Settings, logs io.Writer) error {
	return one(ctx, settings, roleGateway, logs)
}

// Auth runs the auth service alone.
func Auth(ctx context.Context, settings Settings, logs io.Writer) error {
	fill(&settings.AuthAddr, ":5000")
	return one(ctx, settings, roleAuth, logs)
}

// Converter runs one converter alone.
func Converter(ctx context.Context, settings Settings, logs io.Writer) error {
	return one(ctx, settings, roleConverter, logs)
}

// Notifier runs one notifier alone.
func Notifier(ctx context.Context, settings Settings, logs io.Writer) error {
	return one(ctx, settings, roleNotifier, logs)
}

func one(ctx context.Context, settings Settings, role roles, logs io.Writer) error {
	if err := settings.complete(role); err != nil {
		return err
	}
	return run(ctx, settings, role, logs, func(string) {})
}

// run opens, starts, and waits for the end.
func run(ctx context.Context, settings Settings, as roles, logs io.Writer, greet func(url string)) (failed error) {
	logger, err := newLogger(settings, logs)
	if err != nil {
		return err
	}
	watched, err := newTelemetry(ctx, settings, as, logger)
	if err != nil {
		return err
	}
	p := &process{settings: settings, roles: as, logger: logger, telemetry: watched, ready: newReadiness(logger)}
	defer func() { failed = errors.Join(failed, p.opened.closeAll()) }()
	p.opened.push("telemetry", watched.Close)
	watched.Metrics.Register(p.ready)
	if settings.ownsData() {
		unlock, err := lockData(settings.Data)
		if err != nil {
			return err
		}
		p.opened.push("data folder", unlock)
	}
	if err := p.open(ctx); err != nil {
		return err
	}
	components, err := p.components()
	if err != nil {
		return err
	}
	greet(settings.PublicURL)
	return runAll(ctx, components, logger)
}

// ownsData tells whether the process keeps anything in the data folder that it must not share.
func (s *Settings) ownsData() bool {
	return strings.HasPrefix(s.Queue, "local:")
}

// aloneWithLedger tells whether nobody else can be working on what the ledger has: the database is a file, and
// the queue is in this process.
func (s *Settings) aloneWithLedger() bool {
	return s.ownsData() && strings.HasPrefix(s.Database, "sqlite:")
}

// Migrate creates or upgrades the SQL schema.
func Migrate(ctx context.Context, settings Settings) error {
	if err := settings.completeDatabase(); err != nil {
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
	if err := migrate(ctx, db, allRoles); err != nil {
		return err
	}
	return use(db)
}

// scratch is the folder for files on their way; it is emptied at every start.
func scratch(settings Settings) (string, error) {
	if settings.ownsData() {
		return filepath.Join(settings.Data, "tmp"), nil
	}
	dir, err := os.MkdirTemp("", "unreel-")
	if err != nil {
		return "", fmt.Errorf("make a scratch folder (TMPDIR names where): %w", err)
	}
	return dir, nil
}

// newLogger writes lines for people to a terminal and JSON elsewhere.
func newLogger(settings Settings, logs io.Writer) (*slog.Logger, error) {
	level, refused := parseLevel(settings.LogLevel)
	if refused != nil {
		return nil, refused
	}
	return telemetry.NewLogger(logs, level, isTerminal(logs)), nil
}

// isTerminal tells whether somebody reads along.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
