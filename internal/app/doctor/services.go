package doctor

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	netmail "net/mail"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/unreel/unreel/internal/mail/smtp"
	"github.com/unreel/unreel/internal/service/auth"
	"github.com/unreel/unreel/internal/service/auth/client"
)

// Mail looks at the mail server, up to the log-in: nothing is sent.
func Mail(address, from string) Check {
	return func(ctx context.Context) []Finding {
		c := &chart{setting: "UNREEL_MAIL"}
		if dir, isFolder := strings.CutPrefix(address, "file:"); isFolder {
			if err := writable(dir); err != nil {
				c.fail("make the folder, and let the user that runs the service write there", "%v", err)
			} else {
				c.ok("mails are kept as files in %s and sent to nobody", dir)
			}
			return c.findings
		}
		c.examineMail(ctx, address, from)
		return c.findings
	}
}

func (c *chart) examineMail(ctx context.Context, address, from string) {
	sender, err := smtp.New(smtp.Config{URL: address, From: from, Timeout: patience})
	if err != nil {
		c.fail("write smtp://user:password@host:587", "%s", strings.TrimPrefix(err.Error(), "UNREEL_MAIL: "))
		return
	}
	if err := sender.Check(ctx); err != nil {
		c.refusedByMail(err)
		return
	}
	c.ok("the mail server takes the log-in")
	if strings.HasPrefix(address, "smtp+insecure:") && !isLoopback(address) {
		c.warn("use smtp:// or smtps://", "mails, and the password if there is one, travel readable")
	}
	if parsed, err := netmail.ParseAddress(from); err == nil && strings.HasSuffix(parsed.Address, "@localhost") {
		c.setting = "UNREEL_MAIL_FROM"
		c.warn("name an address that the server may send from", "no other server takes mails from %s", parsed.Address)
	}
}

func (c *chart) refusedByMail(err error) {
	if answer, found := errors.AsType[*textproto.Error](err); found && (answer.Code == 535 || answer.Code == 534 || answer.Code == 530) {
		c.fail("correct the user and the password in the URL", "the mail server does not take the log-in: %v", answer)
		return
	}
	if strings.Contains(err.Error(), "STARTTLS") {
		c.fail("use smtps:// (port 465), or smtp+insecure:// on a network that nobody else is on", "the mail server offers no STARTTLS")
		return
	}
	c.unreachable(err, "look into the mail server's log")
}

// isLoopback tells whether a URL names this machine.
func isLoopback(address string) bool {
	parsed, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(parsed.Hostname())
	return parsed.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// Auth looks at the auth service, as a gateway finds it.
func Auth(address string) Check {
	return func(ctx context.Context) []Finding {
		c := &chart{setting: "UNREEL_AUTH_URL"}
		verifier, err := client.NewVerifier(address, auth.DefaultIssuer, nil, slog.New(slog.DiscardHandler))
		if err != nil {
			c.fail("write http://auth:5000", "%v", err)
			return c.findings
		}
		keys, err := verifier.JWKS(ctx)
		if err != nil {
			c.unreachable(err, "look whether it is the auth service that answers there, and into its log")
			return c.findings
		}
		c.ok("the auth service answers, with %d keys", len(keys.Keys))
		return c.findings
	}
}

// PublicURL looks at what links begin with. Mailed tells that they are sent to people elsewhere, proxied that the
// gateway knows of a proxy before it.
func PublicURL(address string, mailed, proxied bool) Check {
	return func(ctx context.Context) []Finding {
		c := &chart{setting: "UNREEL_PUBLIC_URL"}
		parsed, err := url.Parse(address)
		if err != nil || parsed.Host == "" {
			c.fail("write https://mp3.example.com", "it is no URL")
			return c.findings
		}
		local := isLoopback(address)
		switch {
		case parsed.RawQuery != "" || parsed.Fragment != "" || strings.Trim(parsed.Path, "/") != "":
			c.fail("name the scheme and the host alone: the gateway answers at /", "%s has more than a host", parsed.Redacted())
		case local && mailed:
			c.warn("name the address that the world knows the gateway by", "links in mails begin with %s, which works on this machine only", address)
		case !local && parsed.Scheme == "http":
			c.warn("put a proxy with TLS before the gateway", "passwords and tokens travel readable")
		case parsed.Scheme == "https" && !proxied:
			c.setting = "UNREEL_TRUSTED_PROXIES"
			c.warn("name the networks of what ends TLS before the gateway", "no proxy is named: its address counts as everybody's, and limits are for all together")
			c.setting = "UNREEL_PUBLIC_URL"
		}
		c.examineGateway(ctx, strings.TrimSuffix(address, "/")+"/openapi.yaml")
		return c.findings
	}
}

// examineGateway asks for what every gateway answers. That nobody does is no failure: it may not run yet, or not be
// reached from inside by the name that it has outside.
func (c *chart) examineGateway(ctx context.Context, address string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		c.fail("write https://mp3.example.com", "it is no URL")
		return
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(request)
	if err != nil {
		c.warn("nothing if no gateway runs yet; else look at what is between", "nobody answers there: %v", err)
		return
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "application/yaml" {
		c.warn("have the proxy pass everything on to the gateway", "what answers there is no gateway: %s for %s", response.Status, address)
		return
	}
	c.ok("a gateway answers there")
}
