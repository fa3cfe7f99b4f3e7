package servers

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// mysqlVariable names a MySQL or MariaDB for tests to use instead of starting one, as
// mysql://user:password@host:port; its user must be allowed to create databases and accounts.
const mysqlVariable = "UNREEL_TEST_MYSQL"

// MariaDB returns the URL of a new, empty database, mysql://user:password@host:port/name, on a server that
// the tests of this process share. The database is dropped when the test ends.
func MariaDB(t testing.TB) string {
	t.Helper()
	if given := os.Getenv(mysqlVariable); given != "" {
		address, err := url.Parse(given)
		if err != nil || address.Scheme != "mysql" || address.Host == "" {
			t.Fatalf("%s: want mysql://user:password@host:port", mysqlVariable)
		}
		return newDatabase(t, address)
	}
	server, err := sharedMariaDB()
	if err != nil {
		t.Fatal(err)
	}
	return server.Database(t)
}

var sharedMariaDB = once(func(ctx context.Context) (*MariaDBServer, error) { return startMariaDB(ctx, nil) })

// MariaDBServer is a MariaDB that belongs to one test.
type MariaDBServer struct {
	Server
	address *url.URL
}

// NewMariaDB starts a MariaDB for this test alone, with more flags than usual. It takes some seconds.
func NewMariaDB(t testing.TB, flags ...string) *MariaDBServer {
	t.Helper()
	return own(t, func(ctx context.Context) (*MariaDBServer, error) { return startMariaDB(ctx, flags) })
}

// Database returns the URL of a new, empty database. It is dropped when the test ends, if the server is up then.
func (s *MariaDBServer) Database(t testing.TB) string {
	t.Helper()
	return newDatabase(t, s.address)
}

func startMariaDB(ctx context.Context, more []string) (*MariaDBServer, error) {
	program, err := find("mariadbd")
	if err != nil {
		return nil, err
	}
	dir, err := directory("mariadb")
	if err != nil {
		return nil, err
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	address := &url.URL{
		Scheme: "mysql",
		User:   url.UserPassword("unreel", rand.Text()),
		Host:   local(port),
	}
	if err := initialise(ctx, dir, address.User); err != nil {
		return nil, err
	}
	flags, err := mariadbFlags(dir, port)
	if err != nil {
		return nil, err
	}
	server := &MariaDBServer{address: address, Server: Server{
		name: "mariadb", dir: dir, argv: slices.Concat([]string{program}, flags, more),
		ready: func(ctx context.Context) error {
			return execute(ctx, address, "DO 0")
		},
	}}
	if err := server.start(ctx); err != nil {
		return nil, errors.Join(err, server.close())
	}
	return server, nil
}

// initialise makes the system tables, and the file that makes the account of the tests at each start.
func initialise(ctx context.Context, dir string, account *url.Userinfo) error {
	program, err := find("mariadb-install-db")
	if err != nil {
		return err
	}
	self, err := user.Current()
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, program, "--no-defaults", "--user="+self.Username,
		"--datadir="+filepath.Join(dir, "data"), "--skip-test-db", "--innodb-log-file-size=8M")
	// In a folder that several use, each removes the others' temporary tables when it starts.
	command.Env = append(os.Environ(), "TMPDIR="+dir)
	output, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("initialise mariadb: %w\n%s", err, output)
	}
	password, _ := account.Password()
	accounts := fmt.Sprintf("CREATE USER IF NOT EXISTS '%[1]s'@'%%' IDENTIFIED BY '%[2]s';\nGRANT ALL ON *.* TO '%[1]s'@'%%' WITH GRANT OPTION;\n",
		account.Username(), password)
	return os.WriteFile(filepath.Join(dir, "accounts.sql"), []byte(accounts), 0o600)
}

// mariadbFlags keep the server small and to itself. What was committed outlives its kill, though not the
// machine's: nobody cuts the power in a test, and an fsync a commit would be most of a test's time.
func mariadbFlags(dir string, port int) ([]string, error) {
	self, err := user.Current()
	if err != nil {
		return nil, err
	}
	return []string{
		"--no-defaults",
		"--user=" + self.Username, // root is only accepted when it is asked for
		"--datadir=" + filepath.Join(dir, "data"),
		"--socket=" + filepath.Join(dir, "socket"),
		"--pid-file=" + filepath.Join(dir, "pid"),
		"--tmpdir=" + dir,
		"--bind-address=127.0.0.1",
		"--port=" + strconv.Itoa(port),
		"--init-file=" + filepath.Join(dir, "accounts.sql"),
		"--skip-name-resolve",
		"--max-connections=500",
		"--innodb-buffer-pool-size=64M",
		"--innodb-log-file-size=8M",
		"--innodb-flush-log-at-trx-commit=2",
	}, nil
}

// newDatabase makes a database on a server for one test.
func newDatabase(t testing.TB, server *url.URL) string {
	t.Helper()
	name := "unreel_" + strings.ToLower(rand.Text())
	if err := execute(t.Context(), server, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4"); err != nil {
		t.Fatalf("create a database: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		// A server that the test has killed took its data along.
		if err := execute(ctx, server, "DROP DATABASE "+name); err != nil && !isRefused(err) {
			t.Errorf("drop the database, which an open transaction would hold: %v", err)
		}
	})
	database := *server
	database.Path = "/" + name
	return database.String()
}

// execute runs one statement on a connection of its own.
func execute(ctx context.Context, server *url.URL, statement string) error {
	config := mysql.NewConfig()
	config.Net, config.Addr = "tcp", server.Host
	config.User = server.User.Username()
	config.Passwd, _ = server.User.Password()
	config.Timeout = 10 * time.Second
	config.ReadTimeout = 30 * time.Second
	config.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	_, err = db.ExecContext(ctx, statement)
	return err
}
