package auth

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/service/auth/client"
	"github.com/unreel/unreel/internal/service/auth/client/token"
	"github.com/unreel/unreel/internal/store/users"
)

// maxBody is more than any request to this service needs, in bytes.
const maxBody = 64 << 10

// Handler serves the private API that the gateway calls.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", s.handleLogin)
	mux.HandleFunc("POST /validate", s.handleValidate)
	mux.HandleFunc("POST /users", s.handleSignup)
	mux.HandleFunc("POST /sessions", s.handleSession)
	mux.HandleFunc("POST /sessions/refresh", s.handleRefresh)
	mux.HandleFunc("DELETE /sessions", s.handleLogOut)
	mux.HandleFunc("GET /me", s.handleMe)
	mux.HandleFunc("PATCH /me", s.handleChangeMe)
	mux.HandleFunc("DELETE /me", s.handleDeleteMe)
	mux.HandleFunc("POST /api-keys", s.handleAddAPIKey)
	mux.HandleFunc("GET /api-keys", s.handleAPIKeys)
	mux.HandleFunc("DELETE /api-keys/{id}", s.handleRemoveAPIKey)
	mux.HandleFunc("POST /password-resets", s.handleAskForReset)
	mux.HandleFunc("POST /password-resets/{token}", s.handleReset)
	mux.HandleFunc("POST /verifications/{token}", s.handleVerify)
	mux.HandleFunc("GET /.well-known/jwks.json", s.handleKeys)
	return httpx.Chain(mux, limitBody, httpx.RequestID, httpx.Log(s.logger), httpx.Harden)
}

func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// handleLogin answers as the first version of this system did.
func (s *Service) handleLogin(w http.ResponseWriter, r *http.Request) {
	email, password, ok := r.BasicAuth()
	if !ok {
		s.text(w, http.StatusUnauthorized, "missing credentials", "Basic")
		return
	}
	user, err := s.logIn(r.Context(), clientOf(r), email, password)
	if errors.Is(err, errCredentials) {
		s.text(w, http.StatusUnauthorized, "invalid credentials", "Basic")
		return
	}
	var signed string
	if err == nil {
		signed, err = s.sign(r.Context(), user, "")
	}
	if err != nil {
		problem := s.problemOf(r, err)
		problem.SetHeaders(w.Header())
		s.text(w, problem.Status, problem.Detail, "")
		return
	}
	s.text(w, http.StatusOK, signed, "")
}

// handleValidate answers as the first version of this system did, for a token and for an API key.
func (s *Service) handleValidate(w http.ResponseWriter, r *http.Request) {
	claims, err := s.claims(r)
	switch {
	case errors.Is(err, errNoToken):
		s.text(w, http.StatusUnauthorized, "missing credentials", "Bearer")
	case errors.Is(err, token.ErrInvalid), errors.Is(err, errKey):
		s.text(w, http.StatusForbidden, "not authorized", "")
	case err != nil:
		problem := s.problemOf(r, err)
		problem.SetHeaders(w.Header())
		s.text(w, problem.Status, problem.Detail, "")
	default:
		s.json(w, http.StatusOK, claims)
	}
}

// claims returns what a request's token says, or what one would say that its API key stands for.
func (s *Service) claims(r *http.Request) (token.Claims, error) {
	text, found := httpx.BearerToken(r)
	if !found || !client.IsAPIKey(text) {
		return s.bearer(r.Context(), r)
	}
	key, user, err := s.useKey(r.Context(), clientOf(r), text)
	if err != nil {
		return token.Claims{}, err
	}
	claims := token.New(s.config.Issuer, user.ID, user.Email, user.Admin, time.Now())
	claims.ID = key.ID
	if !key.ExpiresAt.IsZero() && key.ExpiresAt.Before(claims.ExpiresAt.Time) {
		claims.ExpiresAt = jwt.NewNumericDate(key.ExpiresAt)
	}
	return claims, nil
}

// errNoToken says that a request has no access token.
var errNoToken = errors.New("missing credentials")

// bearer returns what the access token of a request says, or errNoToken, or what token.Parse does.
func (s *Service) bearer(ctx context.Context, r *http.Request) (token.Claims, error) {
	text, found := httpx.BearerToken(r)
	if !found {
		return token.Claims{}, errNoToken
	}
	return token.Parse(text, s.config.Issuer, func(id string) (ed25519.PublicKey, error) {
		return s.keys.find(ctx, id)
	})
}

func (s *Service) handleSignup(w http.ResponseWriter, r *http.Request) {
	if s.config.Signup == SignupClosed {
		httpx.WriteProblem(w, r, httpx.NewProblem(http.StatusForbidden, "signup-closed", "Signing up is closed",
			"Ask the operator of this service for an account."))
		return
	}
	var credentials client.Credentials
	if !httpx.DecodeJSON(w, r, &credentials) {
		return
	}
	user, err := s.signUp(r.Context(), clientOf(r), credentials.Email, credentials.Password)
	if err != nil {
		httpx.WriteProblem(w, r, s.problemOf(r, err))
		return
	}
	s.json(w, http.StatusCreated, client.User{ID: user.ID, Email: user.Email, CreatedAt: user.CreatedAt})
}

func (s *Service) handleSession(w http.ResponseWriter, r *http.Request) {
	var credentials client.Credentials
	if !httpx.DecodeJSON(w, r, &credentials) {
		return
	}
	user, err := users.User{}, requireBoth(credentials)
	if err == nil {
		user, err = s.logIn(r.Context(), clientOf(r), credentials.Email, credentials.Password)
	}
	var session client.Session
	if err == nil {
		session, err = s.begin(r.Context(), user)
	}
	s.granted(w, r, session, err)
}

// granted answers with a session, or says why there is none.
func (s *Service) granted(w http.ResponseWriter, r *http.Request, session client.Session, err error) {
	if err != nil {
		httpx.WriteProblem(w, r, s.problemOf(r, err))
		return
	}
	s.json(w, http.StatusCreated, session)
}

func requireBoth(credentials client.Credentials) error {
	var fields []httpx.FieldError
	if credentials.Email == "" {
		fields = append(fields, httpx.FieldError{Field: "email", Detail: "is required"})
	}
	if credentials.Password == "" {
		fields = append(fields, httpx.FieldError{Field: "password", Detail: "is required"})
	}
	if len(fields) > 0 {
		return &InvalidError{fields}
	}
	return nil
}

func (s *Service) handleKeys(w http.ResponseWriter, r *http.Request) {
	keys, err := s.keys.all(r.Context())
	if err != nil {
		httpx.WriteProblem(w, r, s.problemOf(r, err))
		return
	}
	set := token.JWKS{Keys: make([]token.JWK, len(keys))}
	for i, key := range keys {
		set.Keys[i] = token.NewJWK(key.id, key.public())
	}
	s.json(w, http.StatusOK, set)
}

func (s *Service) text(w http.ResponseWriter, status int, body, scheme string) {
	if scheme != "" {
		w.Header().Set("WWW-Authenticate", challenge(scheme))
	}
	s.write(w, status, "text/plain; charset=utf-8", []byte(body))
}

func (s *Service) json(w http.ResponseWriter, status int, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		s.logger.Error("answer not encoded", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	s.write(w, status, "application/json", append(raw, '\n'))
}

// write answers. Nearly everything here is a secret or about one, so nothing is to be kept.
func (s *Service) write(w http.ResponseWriter, status int, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil { //nolint:gosec // it is JSON or plain text, and said to be so
		s.logger.Debug("answer not sent", "error", err)
	}
}

// clientOf is the address of whoever asked: what the gateway says, or else who asks here.
func clientOf(r *http.Request) string {
	from := r.Header.Get(client.AddressHeader)
	if from == "" {
		from, _, _ = net.SplitHostPort(r.RemoteAddr)
	}
	address, err := netip.ParseAddr(from)
	if err != nil {
		return ""
	}
	return address.Unmap().String()
}
