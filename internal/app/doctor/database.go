package doctor

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/internal/store/ledger/sqlledger"
	"github.com/unreel/unreel/internal/store/users/sqlusers"
)

const databaseSetting = "UNREEL_DATABASE"

// maxSkew is how far two clocks may be apart before somebody notices: links and tokens say until when they are good.
const maxSkew = 2 * time.Second

// Database looks at the accounts and records, and at whatever of both is used.
func Database(url string, ledger, accounts bool) Check {
	return func(ctx context.Context) []Finding {
		d := &databaseChart{chart: chart{setting: databaseSetting}, ledger: ledger, accounts: accounts}
		d.examine(ctx, url)
		return d.findings
	}
}

type databaseChart struct {
	chart

	db               *database.DB
	ledger, accounts bool
}

func (d *databaseChart) examine(ctx context.Context, url string) {
	path, isFile := strings.CutPrefix(url, "sqlite:")
	if isFile && !d.isThere(path) {
		return
	}
	var err error
	if d.db, err = database.Open(url); err != nil {
		d.fail("write mysql://user:password@host:3306/name, with special characters in user and password as %XX", "%v", err)
		return
	}
	defer d.db.Close()
	if isFile {
		d.examineFile(ctx, path)
		return
	}
	d.examineServer(ctx)
}

// isThere tells whether there is a file to open: SQLite would make it.
func (d *databaseChart) isThere(path string) bool {
	_, err := os.Stat(path)
	if err == nil {
		return true
	}
	if !errors.Is(err, os.ErrNotExist) {
		d.fail("let the user that runs the service read the file", "%v", err)
		return false
	}
	if err := writable(filepath.Dir(path)); err != nil {
		d.fail("make the folder, and let the user that runs the service write there", "there is no database yet, and none can be made: %v", err)
		return false
	}
	d.ok("%s is made at the first start", path)
	return false
}

func (d *databaseChart) examineFile(ctx context.Context, path string) {
	var version string
	if err := d.db.QueryRow(ctx, "SELECT sqlite_version()", nil, &version); err != nil {
		d.fail("name a SQLite database, or restore this one from a backup", "%s cannot be read: %v", path, err)
		return
	}
	if err := d.db.Write(ctx, func(*sql.Tx) error { return nil }); err != nil {
		d.fail("let the user that runs the service write the file and its folder", "%s cannot be written: %v", path, err)
		return
	}
	d.ok("SQLite %s at %s", version, path)
	d.examineSchema(ctx, true)
}

func (d *databaseChart) examineServer(ctx context.Context) {
	if err := d.db.Check(ctx); err != nil {
		d.refused(err)
		return
	}
	var version string
	if err := d.db.QueryRow(ctx, "SELECT VERSION()", nil, &version); err != nil {
		d.refused(err)
		return
	}
	product, good := productOf(version)
	if !good {
		d.fail("use MySQL 8 or newer, or MariaDB 10.6 or newer", "%s is too old", product)
		return
	}
	d.ok("%s", product)
	d.examineClock(ctx)
	d.examineDurability(ctx)
	d.examineSchema(ctx, d.examineRights(ctx))
}

// The numbers of what a server refuses (https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html).
var refusals = map[uint16]string{
	1045: "correct the user and the password in the URL, or make the account: CREATE USER … IDENTIFIED BY …",
	1044: "give the account its rights: GRANT ALL ON name.* TO user",
	1049: "make the database: CREATE DATABASE name CHARACTER SET utf8mb4; or correct its name in the URL",
	1040: "raise max_connections: each process takes up to 32",
	1129: "the server has locked this host out after failures: mysqladmin flush-hosts",
	1130: "let the account come from this host: CREATE USER user@'%'",
}

func (d *databaseChart) refused(err error) {
	if refusal, found := errors.AsType[*mysql.MySQLError](err); found {
		d.fail(refusals[refusal.Number], "%s", refusal.Message)
		return
	}
	d.unreachable(err, "look into the server's log")
}

var versionNumbers = regexp.MustCompile(`(\d+)\.(\d+)`)

// productOf reads what VERSION() says: "8.0.36" or "10.11.6-MariaDB-0+deb12u1", or "5.5.5-10.6…" by old replication.
func productOf(version string) (product string, good bool) {
	numbers := versionNumbers.FindStringSubmatch(strings.TrimPrefix(version, "5.5.5-"))
	if strings.Contains(strings.ToLower(version), "mariadb") {
		return "MariaDB " + version, !older(numbers, 10, 6)
	}
	return "MySQL " + version, !older(numbers, 8, 0)
}

// older tells whether what versionNumbers found is older than a version. What is no version is.
func older(numbers []string, major, minor int) bool {
	if numbers == nil {
		return true
	}
	gotMajor, _ := strconv.Atoi(numbers[1])
	gotMinor, _ := strconv.Atoi(numbers[2])
	return gotMajor < major || gotMajor == major && gotMinor < minor
}

func (d *databaseChart) examineClock(ctx context.Context) {
	var micros int64
	var zone string
	before := time.Now()
	err := d.db.QueryRow(ctx, "SELECT "+d.db.Now()+", @@session.time_zone", nil, &micros, &zone)
	if err != nil {
		d.refused(err)
		return
	}
	after, there := time.Now(), database.Time(micros)
	if zone != "+00:00" {
		d.fail("have whatever is between pass on the session's time zone", "the session's time zone is %q, and not +00:00 as was asked for", zone)
	}
	skew := max(before.Sub(there), there.Sub(after))
	if skew > maxSkew {
		d.warn("set both clocks by NTP", "the server's clock and this machine's are %s apart", skew.Round(time.Second/10))
		return
	}
	d.ok("the clock agrees with this machine's")
}

// examineDurability looks at what has to hold for a 202 to survive a power cut.
func (d *databaseChart) examineDurability(ctx context.Context) {
	var flush, syncBinlog, binlog, connections int
	err := d.db.QueryRow(ctx, "SELECT @@innodb_flush_log_at_trx_commit, @@sync_binlog, @@log_bin, @@max_connections", nil,
		&flush, &syncBinlog, &binlog, &connections)
	if err != nil {
		d.warn("look for yourself: docs/operations.md says what the server must promise", "the server does not tell its settings: %v", err)
		return
	}
	good := true
	if flush != 1 {
		good = false
		d.warn("set innodb_flush_log_at_trx_commit=1", "innodb_flush_log_at_trx_commit is %d: a power cut loses what was accepted in its last second", flush)
	}
	if binlog == 1 && syncBinlog != 1 {
		good = false
		d.warn("set sync_binlog=1", "sync_binlog is %d: a power cut loses what replicas and backups would be restored from", syncBinlog)
	}
	if connections < 100 {
		good = false
		d.warn("raise max_connections", "max_connections is %d: each process takes up to 32", connections)
	}
	if good {
		d.ok("what is committed is on disk; up to %d connections", connections)
	}
}

// examineRights tries what upgrades do, on a table of its own.
func (d *databaseChart) examineRights(ctx context.Context) bool {
	table := "unreel_doctor_" + string(newProbe())
	for _, step := range []string{
		"CREATE TABLE " + table + " (id INT NOT NULL PRIMARY KEY) ENGINE = InnoDB",
		"ALTER TABLE " + table + " ADD COLUMN value INT NULL",
		"CREATE INDEX doctor ON " + table + " (value)",
		"INSERT INTO " + table + " (id, value) VALUES (1, 1)",
		"UPDATE " + table + " SET value = 2",
		"DELETE FROM " + table,
		"DROP TABLE " + table,
	} {
		err := d.db.Write(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, step)
			return err
		})
		if err != nil {
			verb, _, _ := strings.Cut(step, " ")
			d.fail("give the account its rights: GRANT ALL ON name.* TO user", "the account may not %s: %v", verb, err)
			return false
		}
	}
	d.ok("the account may make, change and use tables")
	return true
}

// examineSchema tells how far the tables are. An older schema is no failure where the next start changes that.
func (d *databaseChart) examineSchema(ctx context.Context, mayMigrate bool) {
	type part struct {
		name   string
		used   bool
		schema func(context.Context) (applied, wanted int64, err error)
	}
	var said []string
	for _, p := range []part{
		{"records", d.ledger, sqlledger.New(d.db).Schema},
		{"accounts", d.accounts, sqlusers.New(d.db).Schema},
	} {
		if !p.used {
			continue
		}
		applied, wanted, err := p.schema(ctx)
		switch {
		case err != nil:
			d.fail("look into the server's log", "the tables of the %s cannot be looked at: %v", p.name, err)
		case applied > wanted:
			d.warn("nothing while an upgrade is under way; else start the newer version again",
				"the tables of the %s are at version %d, from a newer version of this program, which knows %d", p.name, applied, wanted)
		case applied < wanted && !mayMigrate:
			d.fail("give the account its rights, or run unreel migrate with one that has them",
				"the tables of the %s are at version %d of %d", p.name, applied, wanted)
		case applied == 0:
			said = append(said, fmt.Sprintf("the tables of the %s are made at the first start", p.name))
		case applied < wanted:
			d.warn("run unreel migrate, or start a service",
				"the tables of the %s are at version %d of %d", p.name, applied, wanted)
		default:
			said = append(said, fmt.Sprintf("the tables of the %s are up to date (%d)", p.name, applied))
		}
	}
	if len(said) > 0 {
		d.ok("%s", strings.Join(said, "; "))
	}
}
