package gateway

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/store/ledger"
	"github.com/unreel/unreel/internal/webhook"
)

// CreateWebhook implements POST /v1/webhooks.
func (g *Gateway) CreateWebhook(w http.ResponseWriter, r *http.Request) {
	claims, ok := g.authenticateSession(w, r)
	if !ok {
		return
	}
	if g.config.Webhooks == webhook.Off {
		g.problem(w, r, httpx.NewProblem(http.StatusForbidden, "no-webhooks", "This service calls no webhooks", "Its operator has switched them off."))
		return
	}
	var request api.WebhookRequest
	if !httpx.DecodeJSON(w, r, &request) {
		return
	}
	hook, err := g.newWebhook(claims.UserID, request)
	if err == nil {
		err = g.ledger.Webhooks().AddWebhook(r.Context(), hook)
	}
	if err != nil {
		g.fail(w, r, err)
		return
	}
	g.logger.InfoContext(r.Context(), "webhook added", "user", claims.UserID, "webhook", hook.ID)
	w.Header().Set("Cache-Control", "no-store")
	shown := presentWebhook(hook)
	g.json(w, http.StatusCreated, api.NewWebhook{
		ID: shown.ID, URL: shown.URL, Events: shown.Events, CreatedAt: shown.CreatedAt, DisabledAt: shown.DisabledAt,
		Secret: webhook.FormatSecret(hook.Secret),
	})
}

// newWebhook makes what is asked for, or returns an httpx.Problem.
func (g *Gateway) newWebhook(owner string, request api.WebhookRequest) (ledger.Webhook, error) {
	if err := webhook.CheckURL(request.URL, g.config.Webhooks); err != nil {
		return ledger.Webhook{}, invalid("url", err.Error())
	}
	events := ledger.WebhookEvents
	if request.Events != nil {
		events = slices.Compact(slices.Sorted(slices.Values(*request.Events)))
		unknown := func(event string) bool { return !slices.Contains(ledger.WebhookEvents, event) }
		if len(events) == 0 || slices.ContainsFunc(events, unknown) {
			return ledger.Webhook{}, invalid("events", fmt.Sprintf("must be some of %s", strings.Join(ledger.WebhookEvents, ", ")))
		}
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	return ledger.Webhook{
		ID: string(conversion.NewID(now)), Owner: owner, URL: request.URL, Secret: webhook.NewSecret(), Events: events, CreatedAt: now,
	}, nil
}

func presentWebhook(hook ledger.Webhook) api.Webhook {
	shown := api.Webhook{ID: hook.ID, URL: hook.URL, Events: hook.Events, CreatedAt: hook.CreatedAt}
	if !hook.DisabledAt.IsZero() {
		shown.DisabledAt = &hook.DisabledAt
	}
	return shown
}

// ListWebhooks implements GET /v1/webhooks.
func (g *Gateway) ListWebhooks(w http.ResponseWriter, r *http.Request) {
	claims, ok := g.authenticate(w, r)
	if !ok {
		return
	}
	hooks, err := g.ledger.Webhooks().Webhooks(r.Context(), claims.UserID)
	if err != nil {
		g.fail(w, r, err)
		return
	}
	list := api.WebhookList{Webhooks: make([]api.Webhook, len(hooks))}
	for i, hook := range hooks {
		list.Webhooks[i] = presentWebhook(hook)
	}
	g.json(w, http.StatusOK, list)
}

// DeleteWebhook implements DELETE /v1/webhooks/{id}.
func (g *Gateway) DeleteWebhook(w http.ResponseWriter, r *http.Request, id string) {
	claims, ok := g.authenticatePerson(w, r)
	if !ok {
		return
	}
	if err := g.ledger.Webhooks().RemoveWebhook(r.Context(), claims.UserID, id); err != nil {
		g.fail(w, r, err)
		return
	}
	g.logger.InfoContext(r.Context(), "webhook removed", "user", claims.UserID, "webhook", id)
	w.WriteHeader(http.StatusNoContent)
}
