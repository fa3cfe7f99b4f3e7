// Package gateway is the only public door: it takes videos in, answers for conversions and gives MP3s out. It
// waits for nobody but the auth service, and for that only where it is about accounts: where somebody signs up, logs in or
// out, goes on with a session, changes an account or its keys, adds a webhook, or comes with an API key that was not seen for
// a minute.
package gateway

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/link"
	"github.com/unreel/unreel/internal/queue"
	"github.com/unreel/unreel/internal/service/auth/client"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/ledger"
	"github.com/unreel/unreel/internal/webhook"
)

// patience is how long a connection may stand still while a body is read or written.
const patience = time.Minute

// Config is how a gateway works.
type Config struct {
	MaxUpload  int64 // UNREEL_MAX_UPLOAD, in bytes
	MaxUploads int   // uploads at once, of all users together

	MaxDuration time.Duration // UNREEL_MAX_DURATION, which converters hold

	Webhooks webhook.Mode // UNREEL_WEBHOOKS

	// Proxies are those whose X-Forwarded-For is believed: UNREEL_TRUSTED_PROXIES.
	Proxies []netip.Prefix
}

// Parts is what a gateway works with.
type Parts struct {
	Ledger   *ledger.Ledger
	Blobs    blob.Store
	Queue    queue.Queue
	Accounts *client.Client
	Verifier *client.Verifier
	Links    *link.Signer
	Page     http.Handler // serves "/" and its assets
	Docs     http.Handler // serves "/docs"
	Wake     func()       // called when a record has become due
	Logger   *slog.Logger
}

// Gateway is the service.
type Gateway struct {
	config   Config
	ledger   *ledger.Ledger
	blobs    blob.Store
	queue    queue.Queue
	accounts *client.Client
	verifier *client.Verifier
	links    *link.Signer
	page     http.Handler
	docs     http.Handler
	wake     func()
	logger   *slog.Logger

	hub      *hub
	places   *places
	arrivals arrivals
	stopping chan struct{} // closed to end event streams
}

var _ api.ServerInterface = (*Gateway)(nil)

// New makes a Gateway.
func New(config Config, parts Parts) *Gateway {
	return &Gateway{
		config: config, ledger: parts.Ledger, blobs: parts.Blobs, queue: parts.Queue,
		accounts: parts.Accounts, verifier: parts.Verifier, links: parts.Links,
		page: parts.Page, docs: parts.Docs, wake: parts.Wake, logger: parts.Logger,
		hub: newHub(), places: newPlaces(config.MaxUploads), stopping: make(chan struct{}),
	}
}

// Run hears events until the context ends. Then event streams end too, and pieces of uploads, so that an HTTP server can
// be drained.
func (g *Gateway) Run(ctx context.Context) error {
	defer g.arrivals.interruptAll()
	defer close(g.stopping)
	return g.queue.Subscribe(ctx, g.hub.hear)
}

// Handler serves the public API and the page.
func (g *Gateway) Handler() http.Handler {
	mux := http.NewServeMux()
	api.HandlerWithOptions(g, api.StdHTTPServerOptions{BaseRouter: mux, ErrorHandlerFunc: g.badParameter})
	mux.Handle("GET /docs/", g.docs)
	mux.Handle("/", g.page)
	for path, refuse := range map[string]answer{
		"/v1/": g.problem, "/docs": g.problem, "/openapi.yaml": g.problem, "/.well-known/jwks.json": g.problem,
		"/login": g.problemText, "/upload": g.problemText, "/download": g.problemText,
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			refuse(w, r, noSuchRoute(allowed(mux, r)))
		})
	}
	return httpx.Chain(mux, httpx.RequestID, httpx.Log(g.logger), httpx.Harden, tus)
}

// allowed returns the methods that a path has routes for.
func allowed(mux *http.ServeMux, r *http.Request) []string {
	var methods []string
	for _, method := range []string{http.MethodOptions, http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodDelete} {
		asked := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := mux.Handler(asked); strings.Contains(pattern, " ") { // those of routes begin with their method
			methods = append(methods, method)
		}
	}
	return methods
}

// GetSpec implements GET /openapi.yaml.
func (g *Gateway) GetSpec(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	g.write(w, api.Spec)
}

// GetDocs implements GET /docs.
func (g *Gateway) GetDocs(w http.ResponseWriter, r *http.Request) {
	g.docs.ServeHTTP(w, r)
}

// announce tells who listens. Nobody relies on it.
func (g *Gateway) announce(ctx context.Context, record ledger.Record) {
	event := conversion.Event{
		ID: record.ID, Owner: record.Owner, Status: record.Status, Progress: record.Progress, At: time.Now().UTC(),
	}
	if err := g.queue.Announce(ctx, event); err != nil {
		g.logger.DebugContext(ctx, "event lost", "conversion", record.ID, "error", err)
	}
}

func (g *Gateway) json(w http.ResponseWriter, status int, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		g.logger.Error("answer not encoded", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	g.write(w, append(raw, '\n'))
}

// write sends an answer's last bytes. If it fails the client has gone, and there is nobody left to tell.
func (g *Gateway) write(w http.ResponseWriter, body []byte) {
	if _, err := w.Write(body); err != nil { //nolint:gosec // no answer that goes this way is HTML, and each names its type
		g.logger.Debug("answer not sent", "error", err)
	}
}
