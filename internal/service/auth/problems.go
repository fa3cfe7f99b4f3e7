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
	var problem httpx.Problem
	var invalid *InvalidError
	switch {
	case errors.As(err, &problem):
		return problem
	case errors.As(err, &invalid):
		p := httpx.NewProblem(http.StatusUnprocessableEntity, "invalid", "A value is not allowed", invalid.Error())
		p.Errors = invalid.Fields
		return p
	case errors.Is(err, errCredentials):
		return httpx.Unauthorized("invalid-credentials", "The log-in failed",
			"No account has this address and this password.", challenge("Bearer"))
	case errors.Is(err, errSession):
		return httpx.Unauthorized("invalid-refresh-token", "The session has ended",
			"Its refresh token is not valid, has expired or was used before. Log in again.", `Bearer error="invalid_token"`)
	case errors.Is(err, errNoToken):
		return httpx.Unauthorized("missing-credentials", "A token is missing",
			"Send the refresh_token, or the header Authorization: Bearer and an access token.", challenge("Bearer"))
	case errors.Is(err, token.ErrInvalid):
		return httpx.Unauthorized("invalid-token", "The token is not valid",
			"It is forged or has expired. Send the refresh_token instead.", `Bearer error="invalid_token"`)
	case errors.Is(err, errKey):
		return httpx.Unauthorized("invalid-token", "The API key is not valid",
			"It is not one of ours, has expired or was removed. Make another.", `Bearer error="invalid_token"`)
	case errors.Is(err, errNeedsLogIn):
		return httpx.NewProblem(http.StatusForbidden, "needs-log-in", "An API key cannot do this", "Log in with the password for this.")
	case errors.Is(err, users.ErrNoAPIKey):
		return httpx.NewProblem(http.StatusNotFound, "not-found", "There is no such key", "You have no API key with this id.")
	case errors.Is(err, users.ErrTooMany):
		return tooManyKeys()
	case errors.Is(err, users.ErrTaken):
		p := httpx.NewProblem(http.StatusConflict, "address-taken", "The address is taken",
			"An account with this address exists already: log in, or use another address.")
		p.Errors = []httpx.FieldError{{Field: "email", Detail: "is taken"}}
		return p
	case r.Context().Err() != nil:
		return httpx.Unavailable("The service for accounts")
	}
	s.logger.ErrorContext(r.Context(), "request failed", "request", httpx.RequestIDOf(r.Context()), "error", err)
	if errors.Is(err, store.ErrUnavailable) {
		return httpx.Unavailable("The database")
	}
	return httpx.Internal()
}

// challenge says what a client has to send to get in (RFC 9110, 11.6.1).
func challenge(scheme string) string {
	return scheme + ` realm="unreel"`
}

// tooManyKeys is the problem of an account that has as many API keys as there is room for.
func tooManyKeys() httpx.Problem {
	return httpx.NewProblem(http.StatusConflict, "too-many-api-keys", "There are too many keys",
		fmt.Sprintf("An account has at most %d API keys: remove one that is not used any more.", users.MaxAPIKeys))
}
