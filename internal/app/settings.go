package app

import (
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// Settings is what an operator can say to the services. Each flag, its variable, its default and its help are
// said here and nowhere else.
type Settings struct {
	Data      string `env:"UNREEL_DATA" default:"./data" placeholder:"DIR" help:"Folder for everything that is kept on this machine."`
	Database  string `env:"UNREEL_DATABASE" placeholder:"URL" help:"Accounts and records: sqlite:PATH or mysql://user:password@host:3306/unreel (default: sqlite: under the data folder)."`
	Blobs     string `env:"UNREEL_BLOBS" placeholder:"URL" help:"Videos and MP3s: file:DIR (default: under the data folder)."`
	Queue     string `env:"UNREEL_QUEUE" default:"local:" placeholder:"URL" help:"Hints between services: local: (in the process)."`
	Mail      string `env:"UNREEL_MAIL" placeholder:"URL" help:"Mail: file:DIR, smtp://user:password@host:587 (STARTTLS), smtps:// or smtp+insecure://host:port (default: file: under the data folder)."`
	MailFrom  string `env:"UNREEL_MAIL_FROM" default:"Unreel <unreel@localhost>" placeholder:"ADDRESS" help:"Sender of mails."`
	PublicURL string `env:"UNREEL_PUBLIC_URL" placeholder:"URL" help:"What links in mails begin with (default: http://localhost and the port)."`
	Addr      string `env:"UNREEL_ADDR" default:":8080" placeholder:"HOST:PORT" help:"Public address."`
	AuthAddr  string `env:"UNREEL_AUTH_ADDR" placeholder:"HOST:PORT" help:"Private address of the auth service (default: only in the process)."`
	AdminAddr string `env:"UNREEL_ADMIN_ADDR" default:"127.0.0.1:9090" placeholder:"HOST:PORT" help:"Private address of /livez, /readyz, /metrics and /debug/pprof."`

	Signup      string        `env:"UNREEL_SIGNUP" default:"open" placeholder:"MODE" help:"Who may sign up: open or closed."`
	MaxUpload   Bytes         `env:"UNREEL_MAX_UPLOAD" default:"4GiB" placeholder:"SIZE" help:"Largest video."`
	MaxDuration time.Duration `env:"UNREEL_MAX_DURATION" default:"12h" placeholder:"TIME" help:"Longest sound."`
	Retention   time.Duration `env:"UNREEL_RETENTION" default:"720h" placeholder:"TIME" help:"How long files are kept; 0 keeps them for ever."`
	Converters  int           `env:"UNREEL_CONVERTERS" default:"0" placeholder:"N" help:"Conversions at once (default: one for each core)."`
	RateLimit   string        `env:"UNREEL_RATE_LIMIT" default:"on" placeholder:"on|off" help:"Limits against guessing and flooding; off is for load tests on a private network."`

	LogLevel string `env:"UNREEL_LOG_LEVEL" default:"info" placeholder:"LEVEL" help:"debug, info, warn or error."`
}

// Bytes is a size as people write it: 4GiB, 500MB.
type Bytes int64

// UnmarshalText reads a size.
func (b *Bytes) UnmarshalText(text []byte) error {
	size, err := humanize.ParseBytes(string(text))
	if err != nil || size > 1<<60 {
		return fmt.Errorf("%q is not a size: write 500MB or 4GiB", text)
	}
	*b = Bytes(size)
	return nil
}

// SettingError is a setting that cannot work.
type SettingError struct {
	Variable string
	Value    string // without secrets
	Remedy   string
}

// Error names the variable, its value and what would do.
func (e *SettingError) Error() string {
	return fmt.Sprintf("%s is %q: %s", e.Variable, e.Value, e.Remedy)
}

// complete fills in the defaults that depend on other settings, and returns a SettingError for the first
// setting that cannot work.
func (s *Settings) complete() error {
	fill(&s.Database, "sqlite:"+filepath.Join(s.Data, "unreel.db"))
	fill(&s.Blobs, "file:"+filepath.Join(s.Data, "blobs"))
	fill(&s.Mail, "file:"+filepath.Join(s.Data, "mail"))
	if s.Converters == 0 {
		s.Converters = runtime.NumCPU()
	}
	for _, check := range []func() error{s.checkAddresses, s.checkChoices, s.checkLimits, s.checkSchemes} {
		if err := check(); err != nil {
			return err
		}
	}
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return &SettingError{"UNREEL_ADDR", s.Addr, "must be HOST:PORT or :PORT"}
	}
	fill(&s.PublicURL, "http://localhost:"+port)
	return nil
}

func fill(setting *string, otherwise string) {
	if *setting == "" {
		*setting = otherwise
	}
}

func (s *Settings) checkAddresses() error {
	for variable, address := range map[string]string{
		"UNREEL_ADDR": s.Addr, "UNREEL_ADMIN_ADDR": s.AdminAddr, "UNREEL_AUTH_ADDR": s.AuthAddr,
	} {
		if _, _, err := net.SplitHostPort(address); err != nil && address != "" {
			return &SettingError{variable, address, "must be HOST:PORT or :PORT"}
		}
	}
	if s.PublicURL != "" {
		parsed, err := url.Parse(s.PublicURL)
		if err != nil || (parsed.Scheme != "http" && parsed.Scheme != "https") || parsed.Host == "" {
			return &SettingError{"UNREEL_PUBLIC_URL", redact(s.PublicURL), "must be a URL such as https://mp3.example.com"}
		}
	}
	if _, err := mail.ParseAddress(s.MailFrom); err != nil {
		return &SettingError{"UNREEL_MAIL_FROM", s.MailFrom, "must be an address such as Unreel <unreel@example.com>"}
	}
	return nil
}

func (s *Settings) checkChoices() error {
	switch s.Signup {
	case "open", "closed":
	case "verified":
		return &SettingError{"UNREEL_SIGNUP", s.Signup, "this version cannot confirm addresses yet; use open or closed"}
	default:
		return &SettingError{"UNREEL_SIGNUP", s.Signup, "must be open or closed"}
	}
	if s.RateLimit != "on" && s.RateLimit != "off" {
		return &SettingError{"UNREEL_RATE_LIMIT", s.RateLimit, "must be on or off"}
	}
	return nil
}

func (s *Settings) checkLimits() error {
	switch {
	case s.MaxUpload < 1:
		return &SettingError{"UNREEL_MAX_UPLOAD", humanize.IBytes(0), "must be more than nothing"}
	case s.MaxDuration <= 0:
		return &SettingError{"UNREEL_MAX_DURATION", s.MaxDuration.String(), "must be more than nothing"}
	case s.Retention < 0:
		return &SettingError{"UNREEL_RETENTION", s.Retention.String(), "must not be negative; 0 keeps files for ever"}
	case s.Converters < 1 || s.Converters > 1024:
		return &SettingError{"UNREEL_CONVERTERS", fmt.Sprint(s.Converters), "must be from 1 to 1024"}
	}
	return nil
}

// checkSchemes refuses backends that this version does not have.
func (s *Settings) checkSchemes() error {
	for _, setting := range []struct {
		variable, value string
		schemes         []string
	}{
		{"UNREEL_DATABASE", s.Database, []string{"sqlite", "mysql"}},
		{"UNREEL_BLOBS", s.Blobs, []string{"file"}},
		{"UNREEL_QUEUE", s.Queue, []string{"local"}},
		{"UNREEL_MAIL", s.Mail, []string{"file", "smtp", "smtps", "smtp+insecure"}},
	} {
		if err := checkScheme(setting.variable, setting.value, setting.schemes); err != nil {
			return err
		}
	}
	return nil
}

func checkScheme(variable, value string, schemes []string) error {
	scheme, _, _ := strings.Cut(value, ":")
	for _, known := range schemes {
		if scheme == known && strings.Contains(value, ":") {
			return nil
		}
	}
	return &SettingError{variable, redact(value), "must begin with " + strings.Join(schemes, ":, ") + ":"}
}

// redact is a URL without its password. What cannot be parsed is not shown beyond its scheme.
func redact(text string) string {
	parsed, err := url.Parse(text)
	if err != nil {
		scheme, _, _ := strings.Cut(text, ":")
		return scheme + ":…"
	}
	return parsed.Redacted()
}
