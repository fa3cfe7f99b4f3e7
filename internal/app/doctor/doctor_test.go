package doctor_test

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"
	"github.com/rabbitmq/amqp091-go"

	"github.com/unreel/unreel/internal/app"
	"github.com/unreel/unreel/internal/app/doctor"
	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/test/servers"
)

func TestMain(m *testing.M) { os.Exit(servers.Main(m)) }

// cluster is settings with which everything is well, on real servers.
func cluster(t *testing.T) app.Settings {
	t.Helper()
	s := alone(t)
	s.Database, s.Blobs, s.Queue, s.Mail = servers.MariaDB(t), servers.FerretDB(t), servers.RabbitMQ(t), servers.SMTP(t).URL
	s.PublicURL = gateway(t)
	s.MailFrom = "Unreel <unreel@example.com>"
	return s
}

// alone is settings of one process with nothing around it.
func alone(t *testing.T) app.Settings {
	t.Helper()
	var s app.Settings
	s.Data, s.MailFrom, s.Addr, s.AdminAddr = filepath.Join(t.TempDir(), "data"), "Unreel <unreel@localhost>", ":8080", "127.0.0.1:9090"
	s.MaxUpload, s.MaxDuration, s.Retention = 1<<20, 12*time.Hour, 720*time.Hour
	s.Signup, s.RateLimit, s.LogLevel = "open", "on", "info"
	s.PublicURL = gateway(t)
	return s
}

// gateway is an address at which one answers.
func gateway(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/openapi.yaml" {
			w.Header().Set("Content-Type", "application/yaml")
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// examine returns what is found of a setting, and wants no finding to tell a password.
func examine(t *testing.T, s app.Settings, service, setting string) []app.Finding {
	t.Helper()
	findings, err := app.Doctor(t.Context(), s, service)
	if err != nil {
		t.Fatal(err)
	}
	var about []app.Finding
	for _, finding := range findings {
		for _, text := range []string{s.Database, s.Blobs, s.Queue, s.Mail} {
			parsed, err := url.Parse(text)
			if err != nil {
				continue
			}
			if password, set := parsed.User.Password(); set && strings.Contains(finding.Says+finding.Remedy, password) {
				t.Errorf("a password is told: %+v", finding)
			}
		}
		if strings.Contains(finding.Says+finding.Remedy, secret) {
			t.Errorf("a password is told: %+v", finding)
		}
		if finding.Level != doctor.OK && finding.Remedy == "" {
			t.Errorf("nothing is said of what would do: %+v", finding)
		}
		if setting == "" || finding.Setting == setting {
			about = append(about, finding)
		}
	}
	return about
}

// want wants a finding of a level with certain words.
func want(t *testing.T, findings []app.Finding, level doctor.Level, words string) {
	t.Helper()
	for _, finding := range findings {
		if finding.Level == level && strings.Contains(finding.Says+" -> "+finding.Remedy, words) {
			return
		}
	}
	t.Errorf("want %s: %q in %+v", level, words, findings)
}

// secret is a password that nobody has.
const secret = "pa55word-of-nobody"

// with changes a URL.
func with(t *testing.T, text string, change func(*url.URL)) string {
	t.Helper()
	parsed, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	change(parsed)
	return parsed.String()
}

func wrongPassword(u *url.URL) { u.User = url.UserPassword(u.User.Username(), secret) }
func wrongHost(u *url.URL)     { u.Host = "unreel.invalid:1" }
func wrongPort(u *url.URL)     { u.Host = "127.0.0.1:1" }

func TestAllIsWell(t *testing.T) {
	for name, test := range map[string]struct {
		app.Settings
		expected []string // warnings, of what is so in tests
	}{
		"cluster": {cluster(t), []string{"innodb_flush_log_at_trx_commit is 2", "works on this machine only"}},
		"alone":   {alone(t), nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := test.Settings
			var warnings []string
			for _, finding := range examine(t, s, "all", "") {
				if finding.Level == doctor.Fail {
					t.Errorf("%+v", finding)
				}
				if finding.Level == doctor.Warn {
					warnings = append(warnings, finding.Says)
				}
			}
			if len(warnings) != len(test.expected) {
				t.Fatalf("warnings: %q", warnings)
			}
			for i, words := range test.expected {
				if !strings.Contains(warnings[i], words) {
					t.Errorf("warning %q, want %q", warnings[i], words)
				}
			}
			if _, err := os.Stat(s.Data); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the doctor has left something behind: %v", err)
			}
		})
	}
}

func TestSettings(t *testing.T) {
	s := alone(t)
	s.Addr, s.Signup, s.Retention, s.Queue = "8080", "maybe", -1, "kafka://ada:"+secret+"@h"
	for setting, words := range map[string]string{
		"UNREEL_ADDR": "HOST:PORT", "UNREEL_SIGNUP": "open, verified or closed", "UNREEL_RETENTION": "must not be negative", "UNREEL_QUEUE": "must begin with",
	} {
		want(t, examine(t, s, "all", setting), doctor.Fail, words)
	}
	if _, err := app.Doctor(t.Context(), s, "nobody"); err == nil {
		t.Error("there is no service nobody")
	}
}

func TestServersThatCannotBeUsed(t *testing.T) {
	s := cluster(t)
	for name, test := range map[string]struct {
		setting string
		spoil   func(s *app.Settings)
		words   string
	}{
		"database, password": {"UNREEL_DATABASE", func(s *app.Settings) { s.Database = with(t, s.Database, wrongPassword) }, "correct the user and the password"},
		"database, host":     {"UNREEL_DATABASE", func(s *app.Settings) { s.Database = with(t, s.Database, wrongHost) }, "name is not known here"},
		"database, port":     {"UNREEL_DATABASE", func(s *app.Settings) { s.Database = with(t, s.Database, wrongPort) }, "nothing listens"},
		"database, name": {"UNREEL_DATABASE", func(s *app.Settings) {
			s.Database = with(t, s.Database, func(u *url.URL) { u.Path = "/no_such_database" })
		}, "make the database"},
		"database, form": {"UNREEL_DATABASE", func(s *app.Settings) { s.Database = "mysql://ada:" + secret + "@127.0.0.1" }, "mysql://user:password@host:3306/name"},

		"blobs, password": {"UNREEL_BLOBS", func(s *app.Settings) {
			s.Blobs = with(t, s.Blobs, func(u *url.URL) { u.User, u.Path = url.UserPassword("ada", secret), "/" })
		}, "authSource"},
		"blobs, host": {"UNREEL_BLOBS", func(s *app.Settings) { s.Blobs = with(t, s.Blobs, wrongHost) }, "name is not known here"},
		"blobs, port": {"UNREEL_BLOBS", func(s *app.Settings) { s.Blobs = with(t, s.Blobs, wrongPort) }, "nothing listens"},
		"blobs, form": {"UNREEL_BLOBS", func(s *app.Settings) { s.Blobs = "mongodb://ada:" + secret + "/x@127.0.0.1" }, "mongodb://user:password@host"},

		"queue, password": {"UNREEL_QUEUE", func(s *app.Settings) { s.Queue = with(t, s.Queue, wrongPassword) }, "correct the user and the password"},
		"queue, host":     {"UNREEL_QUEUE", func(s *app.Settings) { s.Queue = with(t, s.Queue, wrongHost) }, "name is not known here"},
		"queue, port":     {"UNREEL_QUEUE", func(s *app.Settings) { s.Queue = with(t, s.Queue, wrongPort) }, "nothing listens"},
		"queue, virtual host": {"UNREEL_QUEUE", func(s *app.Settings) {
			s.Queue = with(t, s.Queue, func(u *url.URL) { u.Path = "/no-such-vhost" })
		}, "make the virtual host"},
		"queue, form": {"UNREEL_QUEUE", func(s *app.Settings) { s.Queue = "amqp://ada:" + secret + "@127.0.0.1:port/" }, "amqp://"},

		"mail, host":     {"UNREEL_MAIL", func(s *app.Settings) { s.Mail = with(t, s.Mail, wrongHost) }, "name is not known here"},
		"mail, port":     {"UNREEL_MAIL", func(s *app.Settings) { s.Mail = with(t, s.Mail, wrongPort) }, "nothing listens"},
		"mail, STARTTLS": {"UNREEL_MAIL", func(s *app.Settings) { s.Mail = strings.Replace(s.Mail, "smtp+insecure:", "smtp:", 1) }, "offers no STARTTLS"},
		"mail, form":     {"UNREEL_MAIL", func(s *app.Settings) { s.Mail = "smtp://ada:" + secret + "@127.0.0.1:port" }, "smtp://user:password@host:587"},
		"mail, password": {"UNREEL_MAIL", func(s *app.Settings) { s.Mail = "smtp+insecure://ada:" + secret + "@" + suspicious(t) }, "does not take the log-in"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spoiled := s
			test.spoil(&spoiled)
			want(t, examine(t, spoiled, "all", test.setting), doctor.Fail, test.words)
		})
	}
}

// suspicious is the address of a mail server that takes no password.
func suspicious(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := gosmtp.NewServer(gosmtp.BackendFunc(func(*gosmtp.Conn) (gosmtp.Session, error) { return refusing{}, nil }))
	server.Domain, server.AllowInsecureAuth = "localhost", true
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil && !errors.Is(err, gosmtp.ErrServerClosed) {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

// refusing is a session that takes no password.
type refusing struct{ gosmtp.Session }

func (refusing) AuthMechanisms() []string { return []string{sasl.Plain} }

func (refusing) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, _, _ string) error { return gosmtp.ErrAuthFailed }), nil
}

func (refusing) Reset()        {}
func (refusing) Logout() error { return nil }

func execute(ctx context.Context, t *testing.T, address string, statements ...string) {
	t.Helper()
	db, err := database.Open(address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range statements {
		err := db.Write(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, statement)
			return err
		})
		if err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func TestSchema(t *testing.T) {
	for name, address := range map[string]string{
		"MariaDB": servers.MariaDB(t), "SQLite": "sqlite:" + filepath.Join(t.TempDir(), "unreel.db"),
	} {
		t.Run(name, func(t *testing.T) {
			s := alone(t)
			s.Database = address
			if name == "MariaDB" {
				want(t, examine(t, s, "all", "UNREEL_DATABASE"), doctor.OK, "the tables of the records are made at the first start")
			}
			if err := app.Migrate(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			want(t, examine(t, s, "all", "UNREEL_DATABASE"), doctor.OK, "the tables of the records are up to date")
			execute(t.Context(), t, address, "UPDATE ledger_migrations SET version_id = 99 WHERE version_id = 1", "DELETE FROM users_migrations WHERE version_id > 1")
			findings := examine(t, s, "all", "UNREEL_DATABASE")
			want(t, findings, doctor.Warn, "from a newer version of this program")
			want(t, findings, doctor.Warn, "the tables of the accounts are at version 1 of ")
			want(t, findings, doctor.Warn, " -> run unreel migrate")
			for _, finding := range examine(t, s, "converter", "UNREEL_DATABASE") {
				if strings.Contains(finding.Says, "accounts") {
					t.Errorf("a converter has no business with %+v", finding)
				}
			}
		})
	}
}

func TestDatabaseAccountWithFewRights(t *testing.T) {
	s := alone(t)
	s.Database = servers.MariaDB(t)
	if err := app.Migrate(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	root := s.Database
	parsed, err := url.Parse(root)
	if err != nil {
		t.Fatal(err)
	}
	execute(t.Context(), t, root, "CREATE USER 'reader'@'%' IDENTIFIED BY '"+secret+"'",
		"GRANT SELECT ON "+strings.TrimPrefix(parsed.Path, "/")+".* TO 'reader'@'%'",
		"DELETE FROM ledger_migrations WHERE version_id = (SELECT version_id FROM (SELECT MAX(version_id) AS version_id FROM ledger_migrations) AS newest)")
	t.Cleanup(func() { execute(context.Background(), t, root, "DROP USER 'reader'@'%'") })
	s.Database = with(t, s.Database, func(u *url.URL) { u.User = url.UserPassword("reader", secret) })
	findings := examine(t, s, "all", "UNREEL_DATABASE")
	want(t, findings, doctor.Fail, "the account may not CREATE")
	want(t, findings, doctor.Fail, "the tables of the records are at version")
}

func TestQueues(t *testing.T) {
	s := alone(t)
	s.Queue = servers.RabbitMQ(t)
	connection, err := amqp091.Dial(s.Queue)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	channel, err := connection.Channel()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := channel.QueueDeclare("video", true, false, false, false, nil); err != nil { // a classic one
		t.Fatal(err)
	}
	quorum := amqp091.Table{amqp091.QueueTypeArg: amqp091.QueueTypeQuorum}
	if _, err := channel.QueueDeclare("mp3.dead", true, false, false, false, quorum); err != nil {
		t.Fatal(err)
	}
	if err := channel.Confirm(false); err != nil {
		t.Fatal(err)
	}
	sent, err := channel.PublishWithDeferredConfirm("", "mp3.dead", true, false, amqp091.Publishing{Body: []byte("{}")})
	if err != nil || !sent.Wait() {
		t.Fatal(err)
	}
	findings := examine(t, s, "converter", "UNREEL_QUEUE")
	want(t, findings, doctor.Fail, "the queue video is not as Unreel needs it")
	want(t, findings, doctor.Warn, "1 messages are set aside in mp3.dead")
	want(t, findings, doctor.OK, "the queue mp3 is made by the first service")
	want(t, findings, doctor.OK, "it takes messages")
	if _, err := channel.QueueDeclarePassive("mp3", true, false, false, false, quorum); err == nil {
		t.Error("the doctor has made a queue")
	}
}

func TestAuthURL(t *testing.T) {
	s := cluster(t)
	stranger := gateway(t)
	for address, words := range map[string]string{
		"http://127.0.0.1:1": "nothing listens", "http://unreel.invalid": "name is not known here", stranger: "it is the auth service", "auth:5000": "http://auth:5000",
	} {
		s.AuthURL = address
		want(t, examine(t, s, "gateway", "UNREEL_AUTH_URL"), doctor.Fail, words)
	}
}

func TestPublicURL(t *testing.T) {
	s := cluster(t)
	want(t, examine(t, s, "notifier", "UNREEL_PUBLIC_URL"), doctor.Warn, "works on this machine only")
	for address, test := range map[string]struct {
		level   doctor.Level
		setting string
		words   string
	}{
		s.PublicURL + "/unreel": {doctor.Fail, "UNREEL_PUBLIC_URL", "the gateway answers at /"},
		"http://unreel.invalid": {doctor.Warn, "UNREEL_PUBLIC_URL", "put a proxy with TLS before the gateway"},
		"https://127.0.0.1:1":   {doctor.Warn, "UNREEL_TRUSTED_PROXIES", "no proxy is named"},
		"http://127.0.0.1:1":    {doctor.Warn, "UNREEL_PUBLIC_URL", "nobody answers there"},
		"mp3.example.com":       {doctor.Fail, "UNREEL_PUBLIC_URL", "https://mp3.example.com"},
	} {
		s := alone(t)
		s.PublicURL = address
		want(t, examine(t, s, "all", test.setting), test.level, test.words)
	}
}

func TestMachine(t *testing.T) {
	s := alone(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("this is no database, although it has more than a hundred bytes"+strings.Repeat(".", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	s.MaxUpload = 1 << 59
	want(t, examine(t, s, "all", "UNREEL_DATA"), doctor.Warn, "lower UNREEL_MAX_UPLOAD")
	s.Data = filepath.Join(file, "data")
	want(t, examine(t, s, "all", "UNREEL_DATA"), doctor.Fail, "make the folder")
	want(t, examine(t, s, "all", "UNREEL_BLOBS"), doctor.Fail, "make and write the folder")
	want(t, examine(t, s, "all", "UNREEL_MAIL"), doctor.Fail, "make the folder")
	want(t, examine(t, s, "all", "UNREEL_DATABASE"), doctor.Fail, "make")
	s.Blobs = "file:/proc/nope" // even root makes nothing there
	want(t, examine(t, s, "all", "UNREEL_BLOBS"), doctor.Fail, "make and write the folder")
	s.Database = "sqlite:" + file
	want(t, examine(t, s, "all", "UNREEL_DATABASE"), doctor.Fail, "restore this one from a backup")

	bin := t.TempDir()
	t.Setenv("TMPDIR", file)
	want(t, examine(t, alone(t), "all", "UNREEL_SANDBOX"), doctor.Fail, "TMPDIR")
	t.Setenv("TMPDIR", bin)
	t.Setenv("PATH", bin)
	want(t, examine(t, alone(t), "all", "PATH"), doctor.Fail, "install ffmpeg")
	for _, program := range []string{"ffmpeg", "ffprobe"} {
		script := "#!/bin/sh\necho ffmpeg version 4.2 without anything\n"
		if err := os.WriteFile(filepath.Join(bin, program), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	want(t, examine(t, alone(t), "all", "PATH"), doctor.Fail, "libmp3lame")
}
