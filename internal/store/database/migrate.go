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
	files, err := d.migrations(files)
	if err != nil {
		return fmt.Errorf("migrate %s: %w", part, err)
	}
	options := []goose.ProviderOption{
		goose.WithTableName(migrationTable(part)),
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
	pool := d.pool
	if d.migrating != nil {
		pool = d.migrating()
		defer pool.Close()
	}
	provider, err := goose.NewProvider(dialect, pool, files, options...)
	if err != nil {
		return fmt.Errorf("migrate %s: %w", part, err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return d.wrap("migrate "+part, err)
	}
	return nil
}

// migrations are the files for this kind of database.
func (d *DB) migrations(files fs.FS) (fs.FS, error) {
	return fs.Sub(files, path.Join("migrations", d.dialect.name))
}

// migrationTable remembers what was applied of a part.
func migrationTable(part string) string { return part + "_migrations" }

// Schema returns how far a part of the schema has been migrated and how far Migrate would bring it, without
// changing anything. 0 is nothing yet; more than wanted is the work of a newer version of this program.
func (d *DB) Schema(ctx context.Context, part string, files fs.FS) (applied, wanted int64, err error) {
	files, err = d.migrations(files)
	if err != nil {
		return 0, 0, fmt.Errorf("look at the schema of %s: %w", part, err)
	}
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return 0, 0, fmt.Errorf("look at the schema of %s: %w", part, err)
	}
	for _, name := range names {
		version, err := goose.NumericComponent(name)
		if err != nil {
			return 0, 0, fmt.Errorf("look at the schema of %s: %w", part, err)
		}
		wanted = max(wanted, version)
	}
	var there int
	if err := d.QueryRow(ctx, d.dialect.tables, []any{migrationTable(part)}, &there); err != nil || there == 0 {
		return 0, wanted, err
	}
	err = d.QueryRow(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM "+migrationTable(part)+" WHERE is_applied", nil, &applied)
	return applied, wanted, err
}
