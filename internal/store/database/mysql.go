package database

import (
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/unreel/unreel/internal/store"
)

// Error numbers (https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html); 1020 is what
// MariaDB answers when a row changed under a snapshot.
const (
	errRowChanged  = 1020
	errDuplicate   = 1062
	errLockTimeout = 1205
	errDeadlock    = 1213
	errDiskFull    = 1021
	errTableFull   = 1114
	errReadOnly    = 1290
	errTooMany     = 1040
	errShutdown    = 1053
	errSilent      = 4031 // MySQL ended the connection because it heard nothing from it
)

// maxSilence is how long the server keeps a connection from which it hears nothing. A process that was stopped in the
// middle of a transaction, or cut off, locks rows until then: much less than a lease, so that others can take them over
// when it ends. Much more than we compute between two statements.
const maxSilence = 10 * time.Second

func openMySQL(address string) (*DB, error) {
	config, err := mysqlConfig(address)
	if err != nil {
		return nil, err
	}
	migrating, err := mysql.NewConnector(config)
	if err != nil {
		return nil, fmt.Errorf("open mysql: %w", err)
	}
	config.Params["wait_timeout"] = strconv.Itoa(int(maxSilence.Seconds()))
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, fmt.Errorf("open mysql: %w", err)
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(32)
	pool.SetMaxIdleConns(8)
	// Shorter than the server's patience, and any load balancer's, so that a connection is never found dead.
	pool.SetConnMaxIdleTime(maxSilence / 2)
	pool.SetConnMaxLifetime(3 * time.Minute)
	return &DB{
		pool: pool, migrating: func() *sql.DB { return sql.OpenDB(migrating) },
		dialect: dialect{
			name:   "mysql",
			remote: true,
			// Without the gap locks of the default, claiming rows does not deadlock with adding them.
			isolation:  sql.LevelReadCommitted,
			now:        "CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)",
			forUpdate:  " FOR UPDATE",
			skipLocked: " FOR UPDATE SKIP LOCKED",
			tables:     "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?",
			duplicate:  func(err error) bool { return mysqlNumber(err) == errDuplicate },
			transient:  transientMySQL,
			translate:  translateMySQL,
		},
	}, nil
}

// mysqlConfig turns mysql://user:password@host:port/name into the driver's own form. The parameters that
// matter for correctness are set here and not left to whoever writes the URL.
func mysqlConfig(address string) (*mysql.Config, error) {
	parsed, err := url.Parse(address)
	if err != nil {
		// The parser's error repeats the URL, password and all.
		return nil, errors.New("a mysql URL has the form mysql://user:password@host:3306/name")
	}
	name := strings.TrimPrefix(parsed.Path, "/")
	if parsed.Hostname() == "" || name == "" {
		return nil, errors.New("a mysql URL names a host and a database: mysql://user:password@host:3306/name")
	}
	port := parsed.Port()
	if port == "" {
		port = "3306"
	}
	config := mysql.NewConfig()
	config.User = parsed.User.Username()
	config.Passwd, _ = parsed.User.Password()
	config.Net, config.Addr, config.DBName = "tcp", net.JoinHostPort(parsed.Hostname(), port), name
	config.TLSConfig = parsed.Query().Get("tls")
	config.ClientFoundRows = true
	// For goose, whose lock cannot be taken without it: its table has a TIMESTAMP. Ours have none.
	config.ParseTime = true
	config.InterpolateParams = true
	config.Timeout, config.ReadTimeout, config.WriteTimeout = 5*time.Second, 30*time.Second, 30*time.Second
	// The driver writes to stderr in a form of its own, about errors that it returns or gets over.
	config.Logger = &mysql.NopLogger{}
	config.Params = map[string]string{"time_zone": "'+00:00'"}
	return config, nil
}

func mysqlNumber(err error) uint16 {
	if failure, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return failure.Number
	}
	return 0
}

func transientMySQL(err error) bool {
	switch mysqlNumber(err) {
	case errDeadlock, errLockTimeout, errRowChanged:
		return true
	default:
		return false
	}
}

func translateMySQL(err error) error {
	switch mysqlNumber(err) {
	case errDiskFull, errTableFull:
		return fmt.Errorf("%w: %w", store.ErrFull, err)
	case errReadOnly, errTooMany, errShutdown, errSilent:
		return fmt.Errorf("mysql: %w: %w", store.ErrUnavailable, err)
	default:
		return err
	}
}
