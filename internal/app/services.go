package app

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"

	"github.com/unreel/unreel/api/docs"
	"github.com/unreel/unreel/internal/link"
	"github.com/unreel/unreel/internal/mail"
	"github.com/unreel/unreel/internal/queue"
	"github.com/unreel/unreel/internal/service/auth"
	"github.com/unreel/unreel/internal/service/auth/client"
	"github.com/unreel/unreel/internal/service/collector"
	"github.com/unreel/unreel/internal/service/converter"
	"github.com/unreel/unreel/internal/service/gateway"
	"github.com/unreel/unreel/internal/service/notifier"
	"github.com/unreel/unreel/internal/service/relay"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/internal/store/ledger"
	"github.com/unreel/unreel/internal/store/users"
	"github.com/unreel/unreel/internal/telemetry"
	"github.com/unreel/unreel/internal/telemetry/observe"
	"github.com/unreel/unreel/internal/webhook"
	"github.com/unreel/unreel/web"
)

const (
	// maxUploads is how many uploads a gateway takes at once. Each costs a buffer, and a file or a chunk.
	maxUploads = 256
	// mailSlots is how many mails are sent at once.
	mailSlots = 4
)

// process is one running program: its settings, what it has opened, and what its services are made of.
type process struct {
	settings Settings
	roles    roles
	logger   *slog.Logger
	ready    *readiness
	opened   stack

	telemetry *telemetry.Telemetry

	database *database.DB
	schema   *schema // nil where the tables were brought up to date at the start
	ledger   *ledger.Ledger
	users    users.Store
	blobs    blob.Store
	queue    queue.Queue
	mail     mail.Sender

	relay *relay.Relay
	links *link.Signer
	auth  *auth.Service // nil where it is another process
}

// components makes the services of the process's roles, and opens the addresses they listen on.
func (p *process) components() ([]component, error) {
	makers := []func() ([]component, error){p.makeCommon}
	for _, service := range []struct {
		role roles
		make func() ([]component, error)
	}{
		{roleAuth, p.makeAuth}, {roleGateway, p.makeGateway}, {roleConverter, p.makeConverter}, {roleNotifier, p.makeNotifier},
	} {
		if p.roles.has(service.role) {
			makers = append(makers, service.make)
		}
	}
	var components []component
	for _, maker := range makers {
		made, err := maker()
		if err != nil {
			return nil, err
		}
		components = append(components, made...)
	}
	return components, nil
}

func (p *process) named(service string) *slog.Logger {
	return p.logger.With("service", service)
}

// makeCommon makes what every process has.
func (p *process) makeCommon() ([]component, error) {
	listener, err := p.listen("UNREEL_ADMIN_ADDR", p.settings.AdminAddr)
	if err != nil {
		return nil, err
	}
	components := []component{
		{"readiness", p.ready.run},
		serve("admin server", listener, adminHandler(p.ready, p.telemetry.Metrics.Handler()), p.logger),
	}
	if p.schema != nil {
		components = append(components, component{"tables", p.schema.run})
	}
	if p.roles.needLedger() {
		p.relay = relay.New(p.ledger, p.queue, p.named("relay"))
		p.links = link.NewSigner(p.settings.PublicURL, p.ledger)
		components = append(components, component{"relay", p.relay.Run})
	}
	return components, nil
}

// listen opens an address and closes it again if the start fails; a server that ran has closed it.
func (p *process) listen(variable, address string) (net.Listener, error) {
	listener, err := listen(variable, address)
	if err != nil {
		return nil, err
	}
	p.opened.push(variable, func() error { return ignoreClosed(listener.Close()) })
	return listener, nil
}

func (p *process) makeAuth() ([]component, error) {
	logger := p.named("auth")
	sender := p.mail // nil where nobody has named a mail server
	if sender != nil {
		sender = observe.AccountMail(sender, p.telemetry)
	}
	service, err := auth.New(auth.Config{
		Issuer: auth.DefaultIssuer, Signup: p.settings.Signup, RateLimit: p.settings.RateLimit == "on",
		PublicURL: p.settings.PublicURL,
	}, p.users, sender, logger)
	if err != nil {
		return nil, err
	}
	p.auth = service
	var components []component
	if sender != nil {
		components = append(components, component{"auth's mail", service.Run})
	}
	if p.settings.AuthAddr == "" {
		return components, nil
	}
	listener, err := p.listen("UNREEL_AUTH_ADDR", p.settings.AuthAddr)
	if err != nil {
		return nil, err
	}
	return append(components, serve("auth server", listener, p.telemetry.Server("auth", service.Handler()), logger)), nil
}

// findAuth returns where the gateway finds auth, and how: in the same process without a socket.
func (p *process) findAuth() (string, http.RoundTripper) {
	if p.auth != nil {
		return "http://auth", p.telemetry.Client("auth", client.InProcess(p.telemetry.Server("auth", p.auth.Handler())))
	}
	return p.settings.AuthURL, p.telemetry.Client("auth", nil)
}

func (p *process) makeGateway() ([]component, error) {
	logger := p.named("gateway")
	listener, err := p.listen("UNREEL_ADDR", p.settings.Addr)
	if err != nil {
		return nil, err
	}
	page, err := web.Handler()
	if err != nil {
		return nil, fmt.Errorf("make the page: %w", err)
	}
	p.watchState()
	authURL, transport := p.findAuth()
	accounts, err := client.New(authURL, transport, logger)
	if err != nil {
		return nil, &SettingError{"UNREEL_AUTH_URL", redact(authURL), err.Error()}
	}
	verifier, err := client.NewVerifier(authURL, auth.DefaultIssuer, transport, logger)
	if err != nil {
		return nil, &SettingError{"UNREEL_AUTH_URL", redact(authURL), err.Error()}
	}
	p.ready.add("auth", checkEvery, func(ctx context.Context) error {
		_, err := verifier.JWKS(ctx)
		return err
	})
	door := gateway.New(gateway.Config{
		MaxUpload: int64(p.settings.MaxUpload), MaxUploads: maxUploads, MaxDuration: p.settings.MaxDuration,
		Webhooks: webhook.Mode(p.settings.Webhooks), Proxies: prefixes(p.settings.TrustedProxies),
	}, gateway.Parts{
		Ledger: p.ledger, Blobs: p.blobs, Queue: p.queue, Accounts: accounts, Verifier: verifier,
		Links: p.links, Page: page, Docs: docs.Handler(), Wake: p.relay.Poke, Logger: logger,
	})
	sweeper := collector.New(withFaults(collector.DefaultConfig()), p.ledger, p.blobs, p.named("collector"))
	return []component{
		{"gateway", door.Run},
		{"token verifier", verifier.Run},
		{"collector", sweeper.Run},
		serve("gateway server", listener, p.telemetry.Server("gateway", door.Handler()), logger),
	}, nil
}

func prefixes(networks []Network) []netip.Prefix {
	prefixes := make([]netip.Prefix, len(networks))
	for i, network := range networks {
		prefixes[i] = network.Prefix
	}
	return prefixes
}

func (p *process) makeConverter() ([]component, error) {
	logger := p.named("converter")
	dir, err := scratch(p.settings)
	if err != nil {
		return nil, err
	}
	p.opened.push("scratch folder", func() error { return os.RemoveAll(dir) })
	transcoder, err := p.makeTranscoder(dir, logger)
	if err != nil {
		return nil, err
	}
	service, err := converter.New(
		converter.Config{Slots: p.settings.Converters, Scratch: dir, Grace: stopGrace},
		p.ledger, p.blobs, p.queue, transcoder, p.relay.Poke, logger)
	if err != nil {
		return nil, err
	}
	return []component{{"converter", service.Run}}, nil
}

func (p *process) makeNotifier() ([]component, error) {
	logger := p.named("notifier")
	var components []component
	var hooks *notifier.Webhooks
	if mode := webhook.Mode(p.settings.Webhooks); mode != webhook.Off {
		hooks = notifier.NewWebhooks(p.ledger, webhook.NewCaller(mode), logger)
		components = append(components, component{"webhooks", hooks.Run})
	}
	service := notifier.New(
		notifier.Config{Slots: mailSlots, PublicURL: p.settings.PublicURL},
		p.ledger, p.queue, p.mail, p.links, hooks, logger)
	return append(components, component{"notifier", service.Run}), nil
}
