package gateway

import (
	"errors"
	"net/http"
	"strings"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/service/auth/client"
)

// errNoToken says that a request has no token.
var errNoToken = errors.New("missing credentials")

// claims returns who sent a request: errNoToken, client.ErrBadToken or another error if that is not known.
func (g *Gateway) claims(r *http.Request) (client.Claims, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if token = strings.TrimSpace(token); !strings.EqualFold(scheme, "Bearer") || token == "" {
		return client.Claims{}, errNoToken
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
		g.problem(w, r, unauthorized("missing-credentials", "A token is missing",
			"Send the header Authorization: Bearer and a token from POST /v1/sessions.", `Bearer`))
	case errors.Is(err, client.ErrBadToken):
		g.problem(w, r, unauthorized("invalid-token", "The token is not valid",
			"It is forged or has expired. Log in again.", `Bearer error="invalid_token"`))
	default:
		g.fail(w, r, err)
	}
	return client.Claims{}, false
}

// unauthorized is a 401 with its challenge (RFC 6750, section 3).
func unauthorized(slug, title, detail, challenge string) httpx.Problem {
	p := httpx.NewProblem(http.StatusUnauthorized, slug, title, detail)
	p.Header = http.Header{"Www-Authenticate": {challenge}}
	return p
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
	if err != nil {
		g.fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	g.json(w, http.StatusCreated, api.Session{
		AccessToken: session.AccessToken, TokenType: session.TokenType, ExpiresIn: session.ExpiresIn,
	})
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
