package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/unreel/unreel/internal/mail"
	mailfile "github.com/unreel/unreel/internal/mail/file"
	"github.com/unreel/unreel/internal/mail/smtp"
	"github.com/unreel/unreel/internal/queue"
	"github.com/unreel/unreel/internal/queue/local"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/blob/disk"
	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/internal/store/ledger"
	"github.com/unreel/unreel/internal/store/ledger/sqlledger"
	"github.com/unreel/unreel/internal/store/users/sqlusers"
)

// backends is what keeps and carries, chosen by the schemes of the settings' URLs.
type backends struct {
	database *database.DB
	ledger   *ledger.Ledger
	users    *sqlusers.Store
	blobs    blob.Store
	queue    queue.Queue
	mail     mail.Sender
}

// openBackends opens them and puts what has to be closed on the stack.
func openBackends(settings Settings, opened *stack, logger *slog.Logger) (*backends, error) {
	db, err := openDatabase(settings)
	if err != nil {
		return nil, err
	}
	opened.push("database", db.Close)
	blobs, err := disk.Open(disk.Config{Dir: strings.TrimPrefix(settings.Blobs, "file:")})
	if err != nil {
		return nil, err
	}
	opened.push("blobs", blobs.Close)
	hints := local.New(logger)
	opened.push("queue", hints.Close)
	sender, err := openMail(settings)
	if err != nil {
		return nil, err
	}
	config := ledger.DefaultConfig()
	config.Retention = settings.Retention
	return &backends{
		database: db,
		ledger:   ledger.New(sqlledger.New(db), config),
		users:    sqlusers.New(db),
		blobs:    blobs,
		queue:    hints,
		mail:     sender,
	}, nil
}

// openDatabase makes the folder of a SQLite database, which SQLite itself does not.
func openDatabase(settings Settings) (*database.DB, error) {
	if path, found := strings.CutPrefix(settings.Database, "sqlite:"); found {
		if err := makeFolder("UNREEL_DATABASE", filepath.Dir(path)); err != nil {
			return nil, err
		}
	}
	db, err := database.Open(settings.Database)
	if err != nil {
		return nil, &SettingError{"UNREEL_DATABASE", redact(settings.Database), err.Error()}
	}
	return db, nil
}

func openMail(settings Settings) (mail.Sender, error) {
	if dir, found := strings.CutPrefix(settings.Mail, "file:"); found {
		return mailfile.New(mailfile.Config{Dir: dir, From: settings.MailFrom})
	}
	return smtp.New(smtp.Config{URL: settings.Mail, From: settings.MailFrom})
}

// migrate creates or upgrades the tables of the ledger and of the accounts.
func migrate(ctx context.Context, db *database.DB) error {
	err := errors.Join(sqlledger.New(db).Migrate(ctx), sqlusers.New(db).Migrate(ctx))
	if err != nil {
		return fmt.Errorf("UNREEL_DATABASE: bring the tables up to date: %w", err)
	}
	return nil
}
