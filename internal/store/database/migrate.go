package database

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

const (
	migrationPoll  = 250 * time.Millisecond
	migrationPolls = 1200 // five minutes
)

// Migrate brings a part of the schema up to date. The files are goose migrations, one DDL statement each, in
// the folders "migrations/mysql" and "migrations/sqlite"; part names the table that remembers what was applied. Of
// several processes that migrate at once, one does and the others wait.
func (d *DB) Migrate(ctx context.Context, part string, files fs.FS) error {
	files, err := fs.Sub(files, path.Join("migrations", d.dialect.name))
	if err != nil {
		return fmt.Errorf("migrate %s: %w", part, err)
	}
	options := []goose.ProviderOption{
		goose.WithTableName(part + "_migrations"),
		goose.WithDisableGlobalRegistry(true),
	}
	dialect := goose.DialectSQLite3
	if d.dialect.name == "mysql" {
		dialect = goose.DialectMySQL
		locker, err := lock.NewMySQLTableLocker(
			lock.WithTableName("migration_lock"), lock.WithTableLockTimeout(migrationPoll, migrationPolls))
		if err != nil {
			return fmt.Errorf("migrate %s: %w", part, err)
		}
		options = append(options, goose.WithLocker(locker))
	}
	provider, err := goose.NewProvider(dialect, d.pool, files, options...)
	if err != nil {
		return fmt.Errorf("migrate %s: %w", part, err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return d.wrap("migrate "+part, err)
	}
	return nil
}
