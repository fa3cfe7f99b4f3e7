package gateway

import (
	"context"
	"net/http"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/service/auth/client"
	"github.com/unreel/unreel/internal/store/ledger"
)

// GetMe implements GET /v1/me.
func (g *Gateway) GetMe(w http.ResponseWriter, r *http.Request) {
	if _, ok := g.authenticate(w, r); !ok {
		return
	}
	account, err := g.accounts.Me(r.Context(), g.clientAddress(r), r.Header.Get("Authorization"))
	g.showAccount(w, r, account, err)
}

// UpdateMe implements PATCH /v1/me.
func (g *Gateway) UpdateMe(w http.ResponseWriter, r *http.Request) {
	if _, ok := g.authenticatePerson(w, r); !ok {
		return
	}
	var change client.AccountChange
	if !httpx.DecodeJSON(w, r, &change) {
		return
	}
	account, err := g.accounts.ChangeMe(r.Context(), g.clientAddress(r), r.Header.Get("Authorization"), change)
	g.showAccount(w, r, account, err)
}

// showAccount answers with an account, or says why there is none.
func (g *Gateway) showAccount(w http.ResponseWriter, r *http.Request, account client.Account, err error) {
	var usage ledger.Usage
	if err == nil {
		usage, err = g.ledger.Usage(r.Context(), account.ID)
	}
	if err != nil {
		g.fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	g.json(w, http.StatusOK, api.Account{
		ID: account.ID, Email: account.Email, Admin: account.Admin, CreatedAt: account.CreatedAt,
		Usage: presentUsage(usage), Limits: g.limits(),
	})
}

func presentUsage(usage ledger.Usage) api.Usage {
	shown := api.Usage{Bytes: usage.Bytes}
	shown.Conversions.Queued = usage.Conversions[conversion.Queued]
	shown.Conversions.Converting = usage.Conversions[conversion.Converting]
	shown.Conversions.Completed = usage.Conversions[conversion.Completed]
	shown.Conversions.Failed = usage.Conversions[conversion.Failed]
	shown.Conversions.Canceled = usage.Conversions[conversion.Canceled]
	return shown
}

func (g *Gateway) limits() api.Limits {
	limits := api.Limits{UploadBytes: g.config.MaxUpload, Duration: g.config.MaxDuration.Seconds()}
	if retention := g.ledger.Config().Retention.Seconds(); retention > 0 {
		limits.Retention = &retention
	}
	return limits
}

// DeleteMe implements DELETE /v1/me. The conversions go first: if auth cannot be asked then, the account is still there
// to ask again with.
func (g *Gateway) DeleteMe(w http.ResponseWriter, r *http.Request) {
	claims, ok := g.authenticateSession(w, r) // without auth, nothing is removed
	if !ok {
		return
	}
	ctx := context.WithoutCancel(r.Context()) // what was asked for is done, even if nobody waits for it
	buried, err := g.ledger.Close(ctx, claims.UserID)
	for _, record := range buried {
		g.announce(ctx, record)
	}
	if err == nil {
		err = g.accounts.DeleteMe(ctx, g.clientAddress(r), r.Header.Get("Authorization"))
	}
	if err != nil {
		g.fail(w, r, err)
		return
	}
	g.logger.InfoContext(r.Context(), "account removed", "user", claims.UserID, "conversions", len(buried))
	w.WriteHeader(http.StatusNoContent)
}

// authenticatePerson is authenticate for what an API key must not do.
func (g *Gateway) authenticatePerson(w http.ResponseWriter, r *http.Request) (client.Claims, bool) {
	claims, ok := g.authenticate(w, r)
	if ok && claims.APIKey {
		g.problem(w, r, client.NeedsLogIn())
		return client.Claims{}, false
	}
	return claims, ok
}

// authenticateSession is authenticatePerson for what lasts longer than a token: auth has to say that the account is there and the
// session goes on.
func (g *Gateway) authenticateSession(w http.ResponseWriter, r *http.Request) (client.Claims, bool) {
	claims, ok := g.authenticatePerson(w, r)
	if !ok {
		return client.Claims{}, false
	}
	if _, err := g.accounts.Me(r.Context(), g.clientAddress(r), r.Header.Get("Authorization")); err != nil {
		g.fail(w, r, err)
		return client.Claims{}, false
	}
	return claims, true
}
