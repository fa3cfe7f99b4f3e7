package auth

import (
	"net/http"

	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/service/auth/client"
)

func (s *Service) handleRefresh(w http.ResponseWriter, r *http.Request) {
	var body client.Refresh
	if !httpx.DecodeJSON(w, r, &body) {
		return
	}
	if body.RefreshToken == "" {
		err := &InvalidError{[]httpx.FieldError{{Field: "refresh_token", Detail: "is required"}}}
		httpx.WriteProblem(w, r, s.problemOf(r, err))
		return
	}
	session, err := s.refresh(r.Context(), clientOf(r), body.RefreshToken)
	s.granted(w, r, session, err)
}

// handleLogOut ends the session of the refresh token in the body or, without a body, of the access token.
func (s *Service) handleLogOut(w http.ResponseWriter, r *http.Request) {
	var body client.Refresh
	if r.ContentLength != 0 && !httpx.DecodeJSON(w, r, &body) {
		return
	}
	err := s.endSession(r, body.RefreshToken)
	if err != nil {
		httpx.WriteProblem(w, r, s.problemOf(r, err))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Service) endSession(r *http.Request, refreshToken string) error {
	if refreshToken != "" {
		return s.logOut(r.Context(), refreshToken)
	}
	claims, err := s.bearer(r.Context(), r)
	if err != nil || claims.SessionID == "" {
		return err
	}
	return s.store.EndSession(r.Context(), claims.SessionID)
}
