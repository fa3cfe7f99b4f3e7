package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/url"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/unreel/unreel/internal/media/sandbox"
	"github.com/unreel/unreel/internal/service/auth"
	"github.com/unreel/unreel/internal/webhook"
)

var databaseSchemes = []string{"mysql", "sqlite"}

// completeAlone fills in what a process that does everything itself can do without being told, and returns a
// SettingError for each setting that cannot work.
func (s *Settings) completeAlone() error {
	s.fillAlone()
	return s.complete(allRoles)
}

func (s *Settings) fillAlone() {
	fill(&s.Database, "sqlite:"+filepath.Join(s.Data, "unreel.db"))
	fill(&s.Blobs, "file:"+filepath.Join(s.Data, "blobs"))
	fill(&s.Mail, "file:"+filepath.Join(s.Data, "mail"))
	fill(&s.Queue, "local:")
}

// completeDatabase does the same for a command that works on the database alone.
func (s *Settings) completeDatabase() error {
	fill(&s.Database, "sqlite:"+filepath.Join(s.Data, "unreel.db"))
	if refused := checkScheme("UNREEL_DATABASE", s.Database, databaseSchemes); refused != nil {
		return refused
	}
	return nil
}

// complete fills in the remaining defaults and returns a SettingError for each setting that cannot work for the
// given roles.
func (s *Settings) complete(as roles) error {
	s.fillRest()
	var failed error
	for _, refused := range s.refusals(as) {
		failed = errors.Join(failed, refused)
	}
	return failed
}

// fillRest fills in the defaults that every process has.
func (s *Settings) fillRest() {
	if s.Converters == 0 {
		s.Converters = runtime.GOMAXPROCS(0) // a container may have fewer than the machine
	}
	if port, ok := listeningPort(s.Addr); ok {
		fill(&s.PublicURL, "http://localhost:"+port)
	}
	fill(&s.PublicURL, "http://localhost:8080")
	fill(&s.Sandbox, string(sandbox.Required))
	fill(&s.Webhooks, string(webhook.Public))
}

func fill(setting *string, otherwise string) {
	if *setting == "" {
		*setting = otherwise
	}
}

// refusals are the settings that cannot work for the given roles.
func (s *Settings) refusals(as roles) []*SettingError {
	var all []*SettingError
	for _, check := range []func(roles) []*SettingError{s.checkAddresses, s.checkChoices, s.checkLimits, s.checkBackends} {
		all = append(all, check(as)...)
	}
	return all
}

func (s *Settings) checkAddresses(as roles) (refused []*SettingError) {
	for _, setting := range []struct {
		variable, address string
		used              bool
	}{
		{"UNREEL_ADDR", s.Addr, as.has(roleGateway)},
		{"UNREEL_ADMIN_ADDR", s.AdminAddr, true},
		{"UNREEL_AUTH_ADDR", s.AuthAddr, s.AuthAddr != ""},
	} {
		if _, ok := listeningPort(setting.address); !ok && setting.used {
			refused = append(refused, &SettingError{setting.variable, setting.address, "must be HOST:PORT or :PORT, with a port from 0 (any that is free) to 65535"})
		}
	}
	if (as.has(roleGateway) || s.needMail(as)) && !isBase(s.PublicURL) {
		refused = append(refused, &SettingError{"UNREEL_PUBLIC_URL", redact(s.PublicURL), "must be a URL such as https://mp3.example.com, without a password, ? and #"})
	}
	return refused
}

// listeningPort returns the port of an address that is a host, or none, and the number of a port.
func listeningPort(address string) (string, bool) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return port, err == nil
}

// isBase tells whether an address on the web can have more appended to it, and be shown to anybody.
func isBase(text string) bool {
	parsed, err := url.Parse(text)
	return err == nil && (parsed.Scheme == "http" || parsed.Scheme == "https") && parsed.Host != "" &&
		parsed.User == nil && !strings.ContainsAny(text, "?#")
}

func (s *Settings) checkChoices(as roles) (refused []*SettingError) {
	if as.has(roleAuth) {
		switch s.Signup {
		case auth.SignupOpen, auth.SignupVerified, auth.SignupClosed:
		default:
			refused = append(refused, &SettingError{"UNREEL_SIGNUP", s.Signup, "must be open, verified or closed"})
		}
		if s.RateLimit != "on" && s.RateLimit != "off" {
			refused = append(refused, &SettingError{"UNREEL_RATE_LIMIT", s.RateLimit, "must be on or off"})
		}
	}
	if s.needMail(as) {
		if _, err := mail.ParseAddress(s.MailFrom); err != nil {
			refused = append(refused, &SettingError{"UNREEL_MAIL_FROM", s.MailFrom, "must be an address such as Unreel <unreel@example.com>"})
		}
	}
	if as.has(roleGateway | roleNotifier) {
		if err := webhook.Mode(s.Webhooks).Validate(); err != nil {
			refused = append(refused, &SettingError{"UNREEL_WEBHOOKS", s.Webhooks, err.Error()})
		}
	}
	if as.has(roleConverter) {
		if err := sandbox.Mode(s.Sandbox).Validate(); err != nil {
			refused = append(refused, &SettingError{"UNREEL_SANDBOX", s.Sandbox, err.Error()})
		}
	}
	if _, err := parseLevel(s.LogLevel); err != nil {
		refused = append(refused, err)
	}
	return refused
}

func (s *Settings) checkLimits(as roles) (refused []*SettingError) {
	for _, limit := range []struct {
		good            bool
		variable, value string
		remedy          string
	}{
		{!as.has(roleGateway) || s.MaxUpload >= 1, "UNREEL_MAX_UPLOAD", humanize.IBytes(0), "must be more than nothing"},
		{!as.has(roleConverter|roleGateway) || s.MaxDuration > 0, "UNREEL_MAX_DURATION", s.MaxDuration.String(), "must be more than nothing"},
		{s.Retention >= 0, "UNREEL_RETENTION", s.Retention.String(), "must not be negative; 0 keeps files for ever"},
		{
			!as.has(roleConverter) || s.Converters >= 1 && s.Converters <= 1024,
			"UNREEL_CONVERTERS", fmt.Sprint(s.Converters), "must be from 1 to 1024",
		},
	} {
		if !limit.good {
			refused = append(refused, &SettingError{limit.variable, limit.value, limit.remedy})
		}
	}
	return refused
}

// needMail tells whether roles send mails. Auth does if it is told by what, and if addresses have to be confirmed.
func (s *Settings) needMail(as roles) bool {
	return as.has(roleNotifier) || as.has(roleAuth) && (s.Mail != "" || s.Signup == auth.SignupVerified)
}

// checkBackends refuses a backend that is missing or unknown.
func (s *Settings) checkBackends(as roles) (refused []*SettingError) {
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
		{"UNREEL_MAIL", s.Mail, []string{"smtp", "smtps", "smtp+insecure", "file"}, s.needMail(as)},
	} {
		if err := checkScheme(setting.variable, setting.value, setting.schemes); err != nil && setting.used {
			refused = append(refused, err)
		}
	}
	return refused
}

func checkScheme(variable, value string, schemes []string) *SettingError {
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

func parseLevel(text string) (level slog.Level, refused *SettingError) {
	if err := level.UnmarshalText([]byte(text)); err != nil {
		return level, &SettingError{"UNREEL_LOG_LEVEL", text, "must be debug, info, warn or error"}
	}
	return level, nil
}
