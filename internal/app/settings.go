package app

import (
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// Settings is everything that an operator can say to a service. Each flag, its variable, its default and its
// help are said once, in the part that it belongs to; a service's command shows the parts that it uses.
type Settings struct {
	DataSettings
	DatabaseSettings
	BlobSettings
	QueueSettings
	MailSettings
	LinkSettings
	GatewaySettings
	AuthSettings
	ConverterSettings
	RetentionSettings
	LimitSettings
	AdminSettings

	// AuthURL is where the gateway finds auth; empty if it is in the same process.
	AuthURL string `kong:"-"`
	// Build is what the program says of itself.
	Build Build `kong:"-"`
}

// Build is which program this is.
type Build struct{ Version, Commit string }

// DataSettings is where a process keeps what it keeps on its machine.
type DataSettings struct {
	Data string `env:"UNREEL_DATA" default:"./data" placeholder:"DIR" help:"Folder for everything that is kept on this machine."`
}

// DatabaseSettings is where accounts and records are.
type DatabaseSettings struct {
	Database string `env:"UNREEL_DATABASE" placeholder:"URL" help:"Accounts and records: mysql://user:password@host:3306/unreel or sqlite:PATH (default in all: in the data folder)."`
}

// BlobSettings is where videos and MP3s are.
type BlobSettings struct {
	Blobs string `env:"UNREEL_BLOBS" placeholder:"URL" help:"Videos and MP3s: mongodb://host:27017 or file:DIR (default in all: in the data folder)."`
}

// QueueSettings is how services wake each other.
type QueueSettings struct {
	Queue string `env:"UNREEL_QUEUE" placeholder:"URL" help:"Hints between services: amqp://user:password@host:5672/ or local: (default in all: local:, in the process)."`
}

// MailSettings is how mails are sent.
type MailSettings struct {
	Mail     string `env:"UNREEL_MAIL" placeholder:"URL" help:"Mail: smtp://user:password@host:587 (STARTTLS), smtps://, smtp+insecure://host:port or file:DIR (default in all: in the data folder)."`
	MailFrom string `env:"UNREEL_MAIL_FROM" default:"Unreel <unreel@localhost>" placeholder:"ADDRESS" help:"Sender of mails."`
}

// LinkSettings is how the world sees the gateway.
type LinkSettings struct {
	PublicURL string `env:"UNREEL_PUBLIC_URL" placeholder:"URL" help:"What links in mails begin with (default: http://localhost and the gateway's port)."`
}

// GatewaySettings is for the public door.
type GatewaySettings struct {
	Addr      string `env:"UNREEL_ADDR" default:":8080" placeholder:"HOST:PORT" help:"Public address."`
	MaxUpload Bytes  `env:"UNREEL_MAX_UPLOAD" default:"4GiB" placeholder:"SIZE" help:"Largest video."`

	TrustedProxies []Network `env:"UNREEL_TRUSTED_PROXIES" placeholder:"NETWORK,…" help:"Proxies before the gateway, like 10.0.0.0/8, whose X-Forwarded-For is believed: limits are for each client (default: none)."`
}

// AuthSettings is for the accounts.
type AuthSettings struct {
	AuthAddr string `env:"UNREEL_AUTH_ADDR" placeholder:"HOST:PORT" help:"Private address of the auth service (default: :5000; in all: only in the process)."`
	Signup   string `env:"UNREEL_SIGNUP" default:"open" placeholder:"MODE" help:"Who may sign up: open or closed."`
}

// ConverterSettings is for the work.
type ConverterSettings struct {
	MaxDuration time.Duration `env:"UNREEL_MAX_DURATION" default:"12h" placeholder:"TIME" help:"Longest sound."`
	Converters  int           `env:"UNREEL_CONVERTERS" default:"0" placeholder:"N" help:"Conversions at once (default: one for each core)."`
}

// RetentionSettings is for whoever ends conversions.
type RetentionSettings struct {
	Retention time.Duration `env:"UNREEL_RETENTION" default:"720h" placeholder:"TIME" help:"How long files are kept; 0 keeps them for ever."`
}

// LimitSettings is against guessing and flooding.
type LimitSettings struct {
	RateLimit string `env:"UNREEL_RATE_LIMIT" default:"on" placeholder:"on|off" help:"Limits against guessing and flooding; off is for load tests on a private network."`
}

// AdminSettings is for operators.
type AdminSettings struct {
	AdminAddr string `env:"UNREEL_ADMIN_ADDR" default:"127.0.0.1:9090" placeholder:"HOST:PORT" help:"Private address of /livez, /readyz, /metrics and /debug/pprof."`
	LogLevel  string `env:"UNREEL_LOG_LEVEL" default:"info" placeholder:"LEVEL" help:"debug, info, warn or error."`
}

var databaseSchemes = []string{"mysql", "sqlite"}

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

// Network is some addresses, as people write them: 10.0.0.0/8, or a single one.
type Network struct{ netip.Prefix }

// UnmarshalText reads a network.
func (n *Network) UnmarshalText(text []byte) error {
	prefix, err := netip.ParsePrefix(string(text))
	if address, single := netip.ParseAddr(string(text)); single == nil {
		prefix, err = address.Prefix(address.BitLen())
	}
	if err != nil {
		return fmt.Errorf("%q is not a network: write 10.0.0.0/8 or 192.0.2.1", text)
	}
	n.Prefix = prefix.Masked()
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

// completeAlone fills in what a process that does everything itself can do without being told, and returns a
// SettingError for the first setting that cannot work.
func (s *Settings) completeAlone() error {
	fill(&s.Database, "sqlite:"+filepath.Join(s.Data, "unreel.db"))
	fill(&s.Blobs, "file:"+filepath.Join(s.Data, "blobs"))
	fill(&s.Mail, "file:"+filepath.Join(s.Data, "mail"))
	fill(&s.Queue, "local:")
	return s.complete(allRoles)
}

// completeDatabase does the same for a command that works on the database alone.
func (s *Settings) completeDatabase() error {
	fill(&s.Database, "sqlite:"+filepath.Join(s.Data, "unreel.db"))
	return checkScheme("UNREEL_DATABASE", s.Database, databaseSchemes)
}

// complete fills in the remaining defaults and returns a SettingError for the first setting that cannot work
// for the given roles.
func (s *Settings) complete(as roles) error {
	if s.Converters == 0 {
		s.Converters = runtime.NumCPU()
	}
	for _, check := range []func(roles) error{s.checkAddresses, s.checkChoices, s.checkLimits, s.checkBackends} {
		if err := check(as); err != nil {
			return err
		}
	}
	return nil
}

func fill(setting *string, otherwise string) {
	if *setting == "" {
		*setting = otherwise
	}
}

func (s *Settings) checkAddresses(as roles) error {
	for _, setting := range []struct {
		variable, address string
		used              bool
	}{
		{"UNREEL_ADDR", s.Addr, as.has(roleGateway)},
		{"UNREEL_ADMIN_ADDR", s.AdminAddr, true},
		{"UNREEL_AUTH_ADDR", s.AuthAddr, s.AuthAddr != ""},
	} {
		if _, _, err := net.SplitHostPort(setting.address); err != nil && setting.used {
			return &SettingError{setting.variable, setting.address, "must be HOST:PORT or :PORT"}
		}
	}
	if _, port, err := net.SplitHostPort(s.Addr); err == nil {
		fill(&s.PublicURL, "http://localhost:"+port)
	}
	if as.has(roleNotifier) || as.has(roleGateway) {
		fill(&s.PublicURL, "http://localhost:8080")
		if !isHTTP(s.PublicURL) {
			return &SettingError{"UNREEL_PUBLIC_URL", redact(s.PublicURL), "must be a URL such as https://mp3.example.com"}
		}
	}
	return nil
}

func isHTTP(text string) bool {
	parsed, err := url.Parse(text)
	return err == nil && (parsed.Scheme == "http" || parsed.Scheme == "https") && parsed.Host != ""
}

func (s *Settings) checkChoices(as roles) error {
	if as.has(roleAuth) {
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
	}
	if as.has(roleNotifier) {
		if _, err := mail.ParseAddress(s.MailFrom); err != nil {
			return &SettingError{"UNREEL_MAIL_FROM", s.MailFrom, "must be an address such as Unreel <unreel@example.com>"}
		}
	}
	return nil
}

func (s *Settings) checkLimits(as roles) error {
	switch {
	case as.has(roleGateway) && s.MaxUpload < 1:
		return &SettingError{"UNREEL_MAX_UPLOAD", humanize.IBytes(0), "must be more than nothing"}
	case as.has(roleConverter) && s.MaxDuration <= 0:
		return &SettingError{"UNREEL_MAX_DURATION", s.MaxDuration.String(), "must be more than nothing"}
	case s.Retention < 0:
		return &SettingError{"UNREEL_RETENTION", s.Retention.String(), "must not be negative; 0 keeps files for ever"}
	case as.has(roleConverter) && (s.Converters < 1 || s.Converters > 1024):
		return &SettingError{"UNREEL_CONVERTERS", fmt.Sprint(s.Converters), "must be from 1 to 1024"}
	}
	return nil
}

// checkBackends refuses a backend that is missing or unknown.
func (s *Settings) checkBackends(as roles) error {
	queues := []string{"amqp", "amqps"}
	if as == allRoles {
		queues = append(queues, "local")
	}
	for _, setting := range []struct {
		variable, value string
		schemes         []string
		used            bool
	}{
		{"UNREEL_DATABASE", s.Database, databaseSchemes, true},
		{"UNREEL_BLOBS", s.Blobs, []string{"mongodb", "mongodb+srv", "file"}, as.needBlobs()},
		{"UNREEL_QUEUE", s.Queue, queues, as.needQueue()},
		{"UNREEL_MAIL", s.Mail, []string{"smtp", "smtps", "smtp+insecure", "file"}, as.has(roleNotifier)},
	} {
		if !setting.used {
			continue
		}
		if err := checkScheme(setting.variable, setting.value, setting.schemes); err != nil {
			return err
		}
	}
	return nil
}

func checkScheme(variable, value string, schemes []string) error {
	scheme, _, found := strings.Cut(value, ":")
	for _, known := range schemes {
		if found && scheme == known {
			return nil
		}
	}
	return &SettingError{variable, redact(value), "must begin with " + strings.Join(schemes, ":, ") + ":"}
}

// redact is a URL without its password. Of what is not written as such a URL, but may have a password in it, only
// the scheme is shown.
func redact(text string) string {
	parsed, err := url.Parse(text)
	if err != nil || parsed.User == nil && strings.Contains(text, "@") {
		scheme, _, found := strings.Cut(text, "://")
		if !found {
			return "…"
		}
		return scheme + "://…"
	}
	return parsed.Redacted()
}
