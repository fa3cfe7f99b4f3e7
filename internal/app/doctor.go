package app

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/unreel/unreel/internal/app/doctor"
	"github.com/unreel/unreel/internal/media/sandbox"
)

// Finding is the outcome of one of the doctor's checks.
type Finding = doctor.Finding

// Doctor looks at everything that a service ("all", "gateway", "auth", "converter" or "notifier") would need with
// these settings, and returns what it finds. No finding has a password in it.
func Doctor(ctx context.Context, settings Settings, service string) ([]Finding, error) {
	as, known := services[service]
	if !known {
		return nil, fmt.Errorf("there is no service %q", service)
	}
	settings.completeAs(as)
	findings := settings.findings(as)
	wrong := map[string]bool{}
	for _, finding := range findings {
		wrong[finding.Setting] = true
	}
	if len(findings) == 0 {
		findings = append(findings, Finding{Level: doctor.OK, Setting: "settings", Says: "each has a form that can work"})
	}
	findings = append(findings, doctor.Run(ctx, settings.checks(as, wrong))...)
	hide := settings.secrets()
	for i := range findings {
		findings[i].Says = hide.Replace(findings[i].Says)
	}
	return findings, nil
}

// completeAs fills in what the service's own command would.
func (s *Settings) completeAs(as roles) {
	switch as {
	case allRoles:
		s.fillAlone()
		s.AuthURL = ""
	case roleAuth:
		fill(&s.AuthAddr, ":5000")
	case roleGateway:
		fill(&s.AuthURL, "http://auth:5000")
	default: // converters and notifiers have no defaults of their own
	}
	s.fillRest()
}

// findings is what is wrong with the settings by themselves.
func (s *Settings) findings(as roles) []Finding {
	var findings []Finding
	for _, refused := range s.refusals(as) {
		findings = append(findings, Finding{
			Level: doctor.Fail, Setting: refused.Variable, Says: fmt.Sprintf("is %q", refused.Value), Remedy: refused.Remedy,
		})
	}
	if as.has(roleAuth) && s.RateLimit == "off" {
		findings = append(findings, Finding{
			Level: doctor.Warn, Setting: "UNREEL_RATE_LIMIT", Says: "nobody is kept from guessing passwords",
			Remedy: "leave it out, but for load tests on a private network",
		})
	}
	return findings
}

// checks are those for a role; what is named by a setting that is wrong by itself is left out.
func (s *Settings) checks(as roles, wrong map[string]bool) []doctor.Check {
	var checks []doctor.Check
	add := func(setting string, used bool, check doctor.Check) {
		if used && !wrong[setting] {
			checks = append(checks, check)
		}
	}
	add("UNREEL_DATABASE", true, doctor.Database(s.Database, as.needLedger(), as.has(roleAuth)))
	add("UNREEL_BLOBS", as.needBlobs(), doctor.Blobs(s.Blobs))
	add("UNREEL_QUEUE", as.needQueue(), doctor.Queue(s.Queue))
	add("UNREEL_MAIL", s.needMail(as), doctor.Mail(s.Mail, s.MailFrom))
	add("UNREEL_AUTH_URL", as == roleGateway, doctor.Auth(s.AuthURL))
	mailed := s.needMail(as) && !strings.HasPrefix(s.Mail, "file:")
	add("UNREEL_PUBLIC_URL", as.has(roleGateway) || s.needMail(as), doctor.PublicURL(s.PublicURL, mailed, !as.has(roleGateway) || len(s.TrustedProxies) > 0))
	add("PATH", as.has(roleConverter), doctor.FFmpeg(os.TempDir()))
	add("UNREEL_SANDBOX", as.has(roleConverter), doctor.Sandbox(sandbox.Mode(s.Sandbox)))
	for _, place := range s.places(as) {
		add(place.setting, true, doctor.Room(place.setting, place.dir, int64(s.MaxUpload)))
	}
	return checks
}

// place is a folder that has to have room.
type place struct{ setting, dir string }

// places are the folders that a role fills.
func (s *Settings) places(as roles) []place {
	var places []place
	if path, isFile := strings.CutPrefix(s.Database, "sqlite:"); isFile {
		places = append(places, place{"UNREEL_DATABASE", filepath.Dir(path)})
	}
	if dir, isFolder := strings.CutPrefix(s.Blobs, "file:"); isFolder && as.needBlobs() {
		places = append(places, place{"UNREEL_BLOBS", dir})
	}
	if as.has(roleConverter) && s.ownsData() {
		places = append(places, place{"UNREEL_DATA", s.Data})
	} else if as.has(roleConverter) {
		places = append(places, place{"TMPDIR", os.TempDir()})
	}
	return places
}

// secrets hides every password of the settings' URLs, in case that a server or a driver repeats one.
func (s *Settings) secrets() *strings.Replacer {
	var pairs []string
	for _, text := range []string{s.Database, s.Blobs, s.Queue, s.Mail} {
		parsed, err := url.Parse(text)
		if err != nil {
			continue
		}
		password, _ := parsed.User.Password()
		for _, secret := range []string{password, url.QueryEscape(password), url.PathEscape(password)} {
			if secret != "" {
				pairs = append(pairs, secret, "…")
			}
		}
	}
	return strings.NewReplacer(pairs...)
}
