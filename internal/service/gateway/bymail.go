package gateway

import (
	"net/http"

	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/service/auth/client"
)

// CreatePasswordReset implements POST /v1/password-resets.
func (g *Gateway) CreatePasswordReset(w http.ResponseWriter, r *http.Request) {
	var request client.ResetRequest
	if !httpx.DecodeJSON(w, r, &request) {
		return
	}
	g.done(w, r, http.StatusAccepted, g.accounts.AskForReset(r.Context(), g.clientAddress(r), request))
}

// ResetPassword implements POST /v1/password-resets/{token}.
func (g *Gateway) ResetPassword(w http.ResponseWriter, r *http.Request, token string) {
	var reset client.Reset
	if !httpx.DecodeJSON(w, r, &reset) {
		return
	}
	g.done(w, r, http.StatusNoContent, g.accounts.Reset(r.Context(), g.clientAddress(r), token, reset))
}

// VerifyAddress implements POST /v1/verifications/{token}.
func (g *Gateway) VerifyAddress(w http.ResponseWriter, r *http.Request, token string) {
	g.done(w, r, http.StatusNoContent, g.accounts.Verify(r.Context(), g.clientAddress(r), token))
}

// done answers without a body, or says what is wrong.
func (g *Gateway) done(w http.ResponseWriter, r *http.Request, status int, err error) {
	if err != nil {
		g.fail(w, r, err)
		return
	}
	w.WriteHeader(status)
}
