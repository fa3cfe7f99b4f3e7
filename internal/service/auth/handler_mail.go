package auth

import (
	"net/http"

	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/service/auth/client"
)

// handleAskForReset answers the same whether there is such an account or not.
func (s *Service) handleAskForReset(w http.ResponseWriter, r *http.Request) {
	if s.mail == nil {
		httpx.WriteProblem(w, r, noMail())
		return
	}
	var request client.ResetRequest
	if !httpx.DecodeJSON(w, r, &request) {
		return
	}
	s.done(w, r, http.StatusAccepted, s.askForReset(r.Context(), clientOf(r), request.Email))
}

func (s *Service) handleReset(w http.ResponseWriter, r *http.Request) {
	var reset client.Reset
	if !httpx.DecodeJSON(w, r, &reset) {
		return
	}
	s.done(w, r, http.StatusNoContent, s.resetByMail(r.Context(), clientOf(r), r.PathValue("token"), reset.Password))
}

func (s *Service) handleVerify(w http.ResponseWriter, r *http.Request) {
	s.done(w, r, http.StatusNoContent, s.verifyByMail(r.Context(), clientOf(r), r.PathValue("token")))
}

// done answers without a body, or says what is wrong.
func (s *Service) done(w http.ResponseWriter, r *http.Request, status int, err error) {
	if err != nil {
		httpx.WriteProblem(w, r, s.problemOf(r, err))
		return
	}
	w.WriteHeader(status)
}
