package httpx

import (
	"net/http"
	"strings"
)

// BearerToken returns the token of a request (RFC 6750, section 2.1), or false if it has none.
func BearerToken(r *http.Request) (token string, found bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}

// Unauthorized is a 401 with its challenge (RFC 6750, section 3).
func Unauthorized(slug, title, detail, challenge string) Problem {
	p := NewProblem(http.StatusUnauthorized, slug, title, detail)
	p.Header = http.Header{"Www-Authenticate": {challenge}}
	return p
}
