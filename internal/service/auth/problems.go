package auth

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/service/auth/client/token"
	"github.com/unreel/unreel/internal/store"
	"github.com/unreel/unreel/internal/store/users"
)

// problemOf is the one place where an error becomes an answer. What is nobody's fault but ours is logged.
func (s *Service) problemOf(r *http.Request, err error) httpx.Problem {
	if problem, known := clientProblem(err); known {
		return problem
	}
	if r.Context().Err() != nil {
		return httpx.Unavailable("The service for accounts")
	}
	s.logger.ErrorContext(r.Context(), "request failed", "request", httpx.RequestIDOf(r.Context()), "error", err)
	if errors.Is(err, store.ErrUnavailable) {
		return httpx.Unavailable("The database")
	}
	return httpx.Internal()
}

// clientProblem is the problem of an error that the client can do something about.
func clientProblem(err error) (httpx.Problem, bool) {
	if problem, ok := errors.AsType[httpx.Problem](err); ok {
		return problem, true
	}
	if invalid, ok := errors.AsType[*InvalidError](err); ok {
		p := httpx.NewProblem(http.StatusUnprocessableEntity, "invalid", "A value is not allowed", invalid.Error())
		p.Errors = invalid.Fields
		return p, true
	}
	for _, known := range knownProblems() {
		if errors.Is(err, known.err) {
			return known.problem, true
		}
	}
	return httpx.Problem{}, false
}

type knownProblem struct {
	err     error
	problem httpx.Problem
}

func knownProblems() []knownProblem {
	const again = `Bearer error="invalid_token"`
	taken := httpx.NewProblem(http.StatusConflict, "address-taken", "The address is taken", "An account with this address exists already: log in, or use another address.")
	taken.Errors = []httpx.FieldError{{Field: "email", Detail: "is taken"}}
	return []knownProblem{
		{errCredentials, httpx.Unauthorized("invalid-credentials", "The log-in failed", "No account has this address and this password.", challenge("Bearer"))},
		{errNotVerified, httpx.NewProblem(http.StatusForbidden, "not-verified", "The address is not confirmed", "Open the link in the mail that we have sent to your address, then log in.")},
		{errSession, httpx.Unauthorized("invalid-refresh-token", "The session has ended", "Its refresh token is not valid, has expired or was used before. Log in again.", again)},
		{errNoToken, httpx.Unauthorized("missing-credentials", "A token is missing", "Send the refresh_token, or the header Authorization: Bearer and an access token.", challenge("Bearer"))},
		{token.ErrInvalid, httpx.Unauthorized("invalid-token", "The token is not valid", "It is forged, has expired or its session has ended. Send the refresh_token instead, or log in again.", again)},
		{errKey, httpx.Unauthorized("invalid-token", "The API key is not valid", "It is not one of ours, has expired or was removed. Make another.", again)},
		{users.ErrNoAPIKey, httpx.NewProblem(http.StatusNotFound, "not-found", "There is no such key", "You have no API key with this id.")},
		{users.ErrTooMany, httpx.NewProblem(http.StatusConflict, "too-many-api-keys", "There are too many keys", fmt.Sprintf("An account has at most %d API keys: remove one that is not used any more.", users.MaxAPIKeys))},
		{users.ErrNoMailToken, httpx.NewProblem(http.StatusNotFound, "not-found", "This link is no longer good", "The link was used, has expired or ended with the password. Ask for another mail.")},
		{users.ErrTaken, taken},
	}
}

// challenge says what a client has to send to get in (RFC 9110, 11.6.1).
func challenge(scheme string) string {
	return scheme + ` realm="unreel"`
}
