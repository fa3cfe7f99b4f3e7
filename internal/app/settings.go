package app

import (
	"fmt"
	"net/netip"
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
	DurationSettings
	RetentionSettings
	WebhookSettings
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
	Data string `env:"UNREEL_DATA" default:"./data" placeholder:"DIR" help:"Folder for all that is kept here (default: ${default})."`
}

// DatabaseSettings is where accounts and records are.
type DatabaseSettings struct {
	Database string `env:"UNREEL_DATABASE" placeholder:"URL" help:"Accounts and records: mysql://user:password@host:3306/unreel or sqlite:PATH."`
}

// BlobSettings is where videos and MP3s are.
type BlobSettings struct {
	Blobs string `env:"UNREEL_BLOBS" placeholder:"URL" help:"Videos and MP3s: mongodb://host:27017 or file:DIR."`
}

// QueueSettings is how services wake each other.
type QueueSettings struct {
	Queue string `env:"UNREEL_QUEUE" placeholder:"URL" help:"Hints between services: amqp://user:password@host:5672/ or local:."`
}

// MailSettings is how mails are sent.
type MailSettings struct {
	Mail     string `env:"UNREEL_MAIL" placeholder:"URL" help:"smtp://user:password@host:587 (STARTTLS), smtps://, smtp+insecure://host:port or file:DIR."`
	MailFrom string `env:"UNREEL_MAIL_FROM" default:"Unreel <unreel@localhost>" placeholder:"ADDRESS" help:"Sender of mails."`
}

// LinkSettings is how the world sees the gateway.
type LinkSettings struct {
	PublicURL string `env:"UNREEL_PUBLIC_URL" placeholder:"URL" help:"What links in mails begin with."`
}

// GatewaySettings is for the public door.
type GatewaySettings struct {
	Addr      string `env:"UNREEL_ADDR" default:":8080" placeholder:"HOST:PORT" help:"Public address (default: ${default})."`
	MaxUpload Bytes  `env:"UNREEL_MAX_UPLOAD" default:"4GiB" placeholder:"SIZE" help:"Largest video (default: ${default})."`

	TrustedProxies []Network `env:"UNREEL_TRUSTED_PROXIES" placeholder:"CIDR" help:"Proxies whose X-Forwarded-For is believed."`
}

// AuthSettings is for the accounts.
type AuthSettings struct {
	AuthAddr string `env:"UNREEL_AUTH_ADDR" placeholder:"HOST:PORT" help:"Private address of auth; in all: none, else :5000."`
	Signup   string `env:"UNREEL_SIGNUP" default:"open" placeholder:"MODE" help:"open, verified or closed."`
}

// ConverterSettings is for the work.
type ConverterSettings struct {
	Converters int    `env:"UNREEL_CONVERTERS" default:"0" placeholder:"N" help:"Conversions at once (default: one a core)."`
	Sandbox    string `env:"UNREEL_SANDBOX" default:"required" placeholder:"MODE" help:"The box for ffmpeg: required, or best-effort to start without what the kernel lacks."`
}

// DurationSettings is for who holds the limit, and for who tells it.
type DurationSettings struct {
	MaxDuration time.Duration `env:"UNREEL_MAX_DURATION" default:"12h" placeholder:"TIME" help:"Longest sound (default: ${default})."`
}

// RetentionSettings is for whoever ends conversions.
type RetentionSettings struct {
	Retention time.Duration `env:"UNREEL_RETENTION" default:"720h" placeholder:"TIME" help:"How long files are kept, 0 for ever (default: ${default})."`
}

// WebhookSettings is for who takes addresses to call, and for who calls them.
type WebhookSettings struct {
	Webhooks string `env:"UNREEL_WEBHOOKS" default:"public" placeholder:"MODE" help:"To where: public, any or off."`
}

// LimitSettings is against guessing and flooding.
type LimitSettings struct {
	RateLimit string `env:"UNREEL_RATE_LIMIT" default:"on" placeholder:"on|off" help:"Limits against guessing and flooding."`
}

// AdminSettings is for operators.
type AdminSettings struct {
	AdminAddr string `env:"UNREEL_ADMIN_ADDR" default:"127.0.0.1:9090" placeholder:"HOST:PORT" help:"Of /livez, /readyz, /metrics and /debug/pprof; private (default: ${default})."`
	LogLevel  string `env:"UNREEL_LOG_LEVEL" default:"info" placeholder:"LEVEL" help:"debug, info, warn or error."`
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
