package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"

	"golang.org/x/term"

	"github.com/unreel/unreel/api/docs"
	"github.com/unreel/unreel/internal/link"
	"github.com/unreel/unreel/internal/media/transcode"
	"github.com/unreel/unreel/internal/service/auth"
	"github.com/unreel/unreel/internal/service/auth/client"
	"github.com/unreel/unreel/internal/service/collector"
	"github.com/unreel/unreel/internal/service/converter"
	"github.com/unreel/unreel/internal/service/gateway"
	"github.com/unreel/unreel/internal/service/notifier"
	"github.com/unreel/unreel/internal/service/relay"
	"github.com/unreel/unreel/web"
)

const (
	// maxUploads is how many uploads a gateway takes at once. On disk each costs a buffer and a file.
	maxUploads = 256
	// mailSlots is how many mails are sent at once.
	mailSlots = 4
)

// parts is what the services are made of.
type parts struct {
	settings Settings
	*backends
	opened *stack
	logger *slog.Logger
	relay  *relay.Relay
	links  *link.Signer
	ready  *readiness
}

// newServices makes the services, and opens the addresses they listen on.
func newServices(settings Settings, stores *backends, opened *stack, logger *slog.Logger) ([]component, error) {
	p := &parts{
		settings: settings, backends: stores, opened: opened, logger: logger,
		relay: relay.New(stores.ledger, stores.queue, named(logger, "relay")),
		links: link.NewSigner(settings.PublicURL, stores.ledger),
		ready: newReadiness(logger),
	}
	p.ready.add("database", stores.ledger.Check)
	p.ready.add("blobs", stores.blobs.Check)
	p.ready.add("queue", stores.queue.Check)
	p.ready.add("mail", stores.mail.Check)

	components := []component{{"relay", p.relay.Run}}
	for _, make := range []func() ([]component, error){p.admin, p.gatewayAndAuth, p.converter, p.notifier} {
		made, err := make()
		if err != nil {
			return nil, err
		}
		components = append(components, made...)
	}
	return components, nil
}

func named(logger *slog.Logger, service string) *slog.Logger {
	return logger.With("service", service)
}

func (p *parts) admin() ([]component, error) {
	listener, err := p.listen("UNREEL_ADMIN_ADDR", p.settings.AdminAddr)
	if err != nil {
		return nil, err
	}
	return []component{serve("admin server", listener, adminHandler(p.ready), p.logger)}, nil
}

// listen opens an address and closes it again if the start fails; a server that ran has closed it.
func (p *parts) listen(variable, address string) (net.Listener, error) {
	listener, err := listen(variable, address)
	if err != nil {
		return nil, err
	}
	p.opened.push(variable, func() error { return ignoreClosed(listener.Close()) })
	return listener, nil
}

func (p *parts) gatewayAndAuth() ([]component, error) {
	logger := named(p.logger, "auth")
	service, err := auth.New(auth.Config{
		Issuer: auth.DefaultIssuer, Signup: p.settings.Signup, RateLimit: p.settings.RateLimit == "on",
	}, p.users, logger)
	if err != nil {
		return nil, err
	}
	var components []component
	if p.settings.AuthAddr != "" {
		listener, err := p.listen("UNREEL_AUTH_ADDR", p.settings.AuthAddr)
		if err != nil {
			return nil, err
		}
		components = append(components, serve("auth server", listener, service.Handler(), logger))
	}
	made, err := p.gateway("http://auth", client.InProcess(service.Handler()))
	return append(components, made...), err
}

// gateway makes the gateway, which finds auth at the given URL by way of the given transport.
func (p *parts) gateway(authURL string, transport http.RoundTripper) ([]component, error) {
	logger := named(p.logger, "gateway")
	listener, err := p.listen("UNREEL_ADDR", p.settings.Addr)
	if err != nil {
		return nil, err
	}
	page, err := web.Handler()
	if err != nil {
		return nil, fmt.Errorf("make the page: %w", err)
	}
	accounts, err := client.New(authURL, transport, logger)
	if err != nil {
		return nil, &SettingError{"UNREEL_AUTH_URL", redact(authURL), err.Error()}
	}
	verifier, err := client.NewVerifier(authURL, auth.DefaultIssuer, transport, logger)
	if err != nil {
		return nil, &SettingError{"UNREEL_AUTH_URL", redact(authURL), err.Error()}
	}
	p.ready.add("auth", func(context.Context) error { return verifier.Check() })
	door := gateway.New(gateway.Config{MaxUpload: int64(p.settings.MaxUpload), MaxUploads: maxUploads}, gateway.Parts{
		Ledger: p.ledger, Blobs: p.blobs, Queue: p.queue, Accounts: accounts, Verifier: verifier,
		Links: p.links, Page: page, Docs: docs.Handler(), Wake: p.relay.Poke, Logger: logger,
	})
	return []component{
		{"gateway", door.Run},
		{"token verifier", verifier.Run},
		serve("gateway server", listener, door.Handler(), logger),
	}, nil
}

func (p *parts) converter() ([]component, error) {
	logger := named(p.logger, "converter")
	transcoder, err := transcode.New(transcode.Config{
		TempDir: scratch(p.settings), MaxDuration: p.settings.MaxDuration, Threads: 1, Logger: logger,
	})
	if err != nil {
		return nil, err
	}
	service, err := converter.New(
		converter.Config{Slots: p.settings.Converters, Scratch: scratch(p.settings), Grace: stopGrace},
		p.ledger, p.blobs, p.queue, transcoder, p.relay.Poke, logger)
	if err != nil {
		return nil, err
	}
	sweeper := collector.New(collector.DefaultConfig(), p.ledger, p.blobs, named(p.logger, "collector"))
	return []component{{"converter", service.Run}, {"collector", sweeper.Run}}, nil
}

func (p *parts) notifier() ([]component, error) {
	service := notifier.New(
		notifier.Config{Slots: mailSlots, PublicURL: p.settings.PublicURL},
		p.ledger, p.queue, p.mail, p.links, named(p.logger, "notifier"))
	return []component{{"notifier", service.Run}}, nil
}

// isTerminal tells whether somebody reads along.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
