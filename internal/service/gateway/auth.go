package gateway

import (
	"errors"
	"net/http"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/service/auth/client"
)

// errNoToken says that a request has no token.
var errNoToken = errors.New("missing credentials")

// claims returns who sent a request: errNoToken, client.ErrBadToken or another error if that is not known.
func (g *Gateway) claims(r *http.Request) (client.Claims, error) {
	token, found := httpx.BearerToken(r)
	if !found {
		return client.Claims{}, errNoToken
	}
	if client.IsAPIKey(token) {
		return g.accounts.CheckAPIKey(r.Context(), g.clientAddress(r), token)
	}
	return g.verifier.Verify(r.Context(), token)
}

// authenticate returns who sent a request, or answers that nobody has shown to be anyone.
func (g *Gateway) authenticate(w http.ResponseWriter, r *http.Request) (client.Claims, bool) {
	claims, err := g.claims(r)
	switch {
	case err == nil:
		return claims, true
	case errors.Is(err, errNoToken):
		g.problem(w, r, httpx.Unauthorized("missing-credentials", "A token is missing",
			"Send the header Authorization: Bearer and a token from POST /v1/sessions, or an API key.", `Bearer`))
	case errors.Is(err, client.ErrBadToken):
		g.problem(w, r, httpx.Unauthorized("invalid-token", "The token is not valid",
			"It is forged, has expired or was removed. Log in again, or make another API key.", `Bearer error="invalid_token"`))
	default:
		g.fail(w, r, err)
	}
	return client.Claims{}, false
}

// CreateUser implements POST /v1/users.
func (g *Gateway) CreateUser(w http.ResponseWriter, r *http.Request) {
	var credentials client.Credentials
	if !httpx.DecodeJSON(w, r, &credentials) {
		return
	}
	user, err := g.accounts.SignUp(r.Context(), g.clientAddress(r), credentials)
	if err != nil {
		g.fail(w, r, err)
		return
	}
	g.json(w, http.StatusCreated, api.User{ID: user.ID, Email: user.Email, CreatedAt: user.CreatedAt})
}

// CreateSession implements POST /v1/sessions.
func (g *Gateway) CreateSession(w http.ResponseWriter, r *http.Request) {
	var credentials client.Credentials
	if !httpx.DecodeJSON(w, r, &credentials) {
		return
	}
	session, err := g.accounts.LogIn(r.Context(), g.clientAddress(r), credentials)
	g.granted(w, r, session, err)
}

// RefreshSession implements POST /v1/sessions/refresh.
func (g *Gateway) RefreshSession(w http.ResponseWriter, r *http.Request) {
	var refresh client.Refresh
	if !httpx.DecodeJSON(w, r, &refresh) {
		return
	}
	session, err := g.accounts.Refresh(r.Context(), g.clientAddress(r), refresh)
	g.granted(w, r, session, err)
}

// granted answers with a session, or says why there is none.
func (g *Gateway) granted(w http.ResponseWriter, r *http.Request, session client.Session, err error) {
	if err != nil {
		g.fail(w, r, err)
		return
	}
	answer := api.Session{AccessToken: session.AccessToken, TokenType: session.TokenType, ExpiresIn: session.ExpiresIn}
	if session.RefreshToken != "" {
		answer.RefreshToken = &session.RefreshToken
	}
	w.Header().Set("Cache-Control", "no-store")
	g.json(w, http.StatusCreated, answer)
}

// DeleteSession implements DELETE /v1/sessions.
func (g *Gateway) DeleteSession(w http.ResponseWriter, r *http.Request) {
	var refresh client.Refresh
	if r.ContentLength != 0 && !httpx.DecodeJSON(w, r, &refresh) {
		return
	}
	// The body alone is enough. Without it the token is looked at here, as for every other route.
	if refresh.RefreshToken == "" {
		if _, ok := g.authenticatePerson(w, r); !ok {
			return
		}
	}
	err := g.accounts.LogOut(r.Context(), g.clientAddress(r), r.Header.Get("Authorization"), refresh)
	if err != nil {
		g.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// Login implements POST /login of the first version.
func (g *Gateway) Login(w http.ResponseWriter, r *http.Request) {
	email, password, found := r.BasicAuth()
	if !found || email == "" || password == "" {
		w.Header().Set("WWW-Authenticate", `Basic realm="unreel", charset="UTF-8"`)
		g.text(w, http.StatusUnauthorized, "missing credentials")
		return
	}
	token, err := g.accounts.Token(r.Context(), g.clientAddress(r), client.Credentials{Email: email, Password: password})
	if err != nil {
		g.failText(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	g.text(w, http.StatusOK, token)
}

// GetJWKS implements GET /.well-known/jwks.json.
func (g *Gateway) GetJWKS(w http.ResponseWriter, r *http.Request) {
	keys, err := g.verifier.JWKS(r.Context())
	if err != nil {
		g.fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=60")
	g.json(w, http.StatusOK, keys)
}
