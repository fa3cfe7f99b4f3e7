package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/unreel/unreel/internal/mail"
	mailfile "github.com/unreel/unreel/internal/mail/file"
	"github.com/unreel/unreel/internal/mail/smtp"
	"github.com/unreel/unreel/internal/queue"
	"github.com/unreel/unreel/internal/queue/local"
	"github.com/unreel/unreel/internal/queue/rabbitmq"
	"github.com/unreel/unreel/internal/store"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/blob/disk"
	"github.com/unreel/unreel/internal/store/blob/gridfs"
	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/internal/store/ledger"
	"github.com/unreel/unreel/internal/store/ledger/sqlledger"
	"github.com/unreel/unreel/internal/store/users"
	"github.com/unreel/unreel/internal/store/users/sqlusers"
	"github.com/unreel/unreel/internal/telemetry/observe"
)

// How often a dependency is asked whether it is there. A mail server is not asked every few seconds: each
// time costs it a log-in.
const (
	checkEvery     = 5 * time.Second
	checkMailEvery = time.Minute
)

// answerLimit is how long a server may take for its first answer where a client waits.
const answerLimit = 4 * time.Second

// open opens what the roles need, chosen by the schemes of the settings' URLs. A server that is away is no
// error: the process waits for it.
func (p *process) open(ctx context.Context) error {
	for _, open := range []func(context.Context) error{p.openDatabase, p.openBlobs, p.openQueue, p.openMail} {
		if err := open(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (p *process) openDatabase(ctx context.Context) error {
	db, err := openDatabase(p.settings)
	if err != nil {
		return err
	}
	p.opened.push("database", db.Close)
	if p.roles.answers() {
		db.LimitAnswer(answerLimit)
	}
	p.ready.add("database", checkEvery, db.Check)
	config := withFaults(ledger.DefaultConfig())
	config.Retention = p.settings.Retention
	p.database = db
	p.ledger = ledger.New(observe.Ledger(withFaults[ledger.Store](sqlledger.New(db)), p.telemetry), config)
	p.users = observe.Users(withFaults[users.Store](sqlusers.New(db)), p.telemetry)
	if !p.settings.aloneWithLedger() {
		p.schema = newSchema(db, p.roles, p.logger)
		p.ready.add("tables", checkEvery, p.schema.check)
		return nil
	}
	if err := migrate(ctx, db, p.roles); err != nil {
		return err
	}
	// The lock says that whoever held a lease in this ledger, and whatever hints there were, are gone.
	if err := p.ledger.Recover(ctx); err != nil {
		return fmt.Errorf("take up what was left: %w", err)
	}
	return nil
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

func (p *process) openBlobs(context.Context) error {
	if !p.roles.needBlobs() {
		return nil
	}
	blobs, err := openBlobs(p.settings, p.roles)
	if err != nil {
		return err
	}
	p.opened.push("blobs", blobs.Close)
	p.blobs = observe.Blobs(withFaults[blob.Store](blobs), p.telemetry)
	p.ready.add("blobs", checkEvery, blobs.Check)
	return nil
}

// closingBlobs is a blob store that has to be closed.
type closingBlobs interface {
	blob.Store
	io.Closer
}

func openBlobs(settings Settings, as roles) (closingBlobs, error) {
	var blobs closingBlobs
	var err error
	if dir, found := strings.CutPrefix(settings.Blobs, "file:"); found {
		blobs, err = disk.Open(disk.Config{Dir: dir})
	} else {
		config := gridfs.Config{URL: settings.Blobs}
		if as.answers() {
			config.Contact = answerLimit
		}
		blobs, err = gridfs.Open(config)
	}
	if errors.Is(err, store.ErrUnavailable) { // who names its servers, for mongodb+srv
		return nil, fmt.Errorf("UNREEL_BLOBS: %w", err)
	}
	if err != nil {
		return nil, &SettingError{"UNREEL_BLOBS", redact(settings.Blobs), err.Error()}
	}
	return blobs, nil
}

func (p *process) openQueue(context.Context) error {
	if !p.roles.needQueue() {
		return nil
	}
	hints, err := openQueue(p.settings, p.logger) //nolint:contextcheck // its connections outlive this call
	if err != nil {
		return err
	}
	p.opened.push("queue", hints.Close)
	p.queue = observe.Queue(withFaults(hints), p.telemetry)
	p.ready.add("queue", checkEvery, hints.Check)
	return nil
}

func openQueue(settings Settings, logger *slog.Logger) (queue.Queue, error) {
	if strings.HasPrefix(settings.Queue, "local:") {
		return local.New(logger), nil
	}
	hints, err := rabbitmq.New(withFaults(rabbitmq.Config{URL: settings.Queue}), logger)
	if err != nil {
		return nil, &SettingError{"UNREEL_QUEUE", redact(settings.Queue), err.Error()}
	}
	return hints, nil
}

func (p *process) openMail(context.Context) error {
	if !p.settings.needMail(p.roles) {
		return nil
	}
	sender, err := openMail(p.settings)
	if err != nil {
		return err
	}
	p.mail = observe.Mail(withFaults(sender), p.telemetry)
	if p.roles.has(roleNotifier) { // auth does without for a while
		p.ready.add("mail", checkMailEvery, p.mail.Check)
	}
	return nil
}

func openMail(settings Settings) (mail.Sender, error) {
	var sender mail.Sender
	var err error
	if dir, found := strings.CutPrefix(settings.Mail, "file:"); found {
		sender, err = mailfile.New(mailfile.Config{Dir: dir, From: settings.MailFrom})
	} else {
		sender, err = smtp.New(smtp.Config{URL: settings.Mail, From: settings.MailFrom})
	}
	if err != nil {
		return nil, &SettingError{"UNREEL_MAIL", redact(settings.Mail), err.Error()}
	}
	return sender, nil
}

// migrate creates or upgrades the tables that the roles use.
func migrate(ctx context.Context, db *database.DB, as roles) error {
	var failed error
	if as.needLedger() {
		failed = sqlledger.New(db).Migrate(ctx)
	}
	if as.has(roleAuth) {
		failed = errors.Join(failed, sqlusers.New(db).Migrate(ctx))
	}
	if failed != nil {
		return fmt.Errorf("UNREEL_DATABASE: bring the tables up to date: %w", failed)
	}
	return nil
}

// schema brings the tables up to date as soon as the database is there.
type schema struct {
	database *database.DB
	roles    roles
	logger   *slog.Logger
	done     chan struct{}
}

func newSchema(db *database.DB, as roles, logger *slog.Logger) *schema {
	return &schema{database: db, roles: as, logger: logger, done: make(chan struct{})}
}

func (s *schema) check(context.Context) error {
	select {
	case <-s.done:
		return nil
	default:
		return errors.New("not up to date yet")
	}
}

// run tries until it has succeeded, and then waits for the context's end like every component.
func (s *schema) run(ctx context.Context) error {
	said := ""
	for {
		err := migrate(ctx, s.database, s.roles)
		if err == nil {
			close(s.done)
			<-ctx.Done()
			return nil
		}
		if err.Error() != said && ctx.Err() == nil {
			said = err.Error()
			s.logger.ErrorContext(ctx, "tables not up to date, will be tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(checkEvery):
		}
	}
}
