package auth

import (
	"errors"
	"net/http"
	"time"

	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/service/auth/client"
	"github.com/unreel/unreel/internal/store/users"
)

func (s *Service) handleMe(w http.ResponseWriter, r *http.Request) {
	who, err := s.caller(r)
	s.account(w, r, who.user, err)
}

func (s *Service) handleChangeMe(w http.ResponseWriter, r *http.Request) {
	who, err := s.person(r)
	if err != nil {
		httpx.WriteProblem(w, r, s.problemOf(r, err))
		return
	}
	var change client.AccountChange
	if !httpx.DecodeJSON(w, r, &change) {
		return
	}
	user, err := s.changeAccount(r.Context(), clientOf(r), who, change)
	s.account(w, r, user, err)
}

// account answers with an account, or says why not.
func (s *Service) account(w http.ResponseWriter, r *http.Request, user users.User, err error) {
	if err != nil {
		httpx.WriteProblem(w, r, s.problemOf(r, err))
		return
	}
	s.json(w, http.StatusOK, client.Account{
		User: client.User{ID: user.ID, Email: user.Email, CreatedAt: user.CreatedAt}, Admin: user.Admin,
	})
}

func (s *Service) handleDeleteMe(w http.ResponseWriter, r *http.Request) {
	who, err := s.person(r)
	if err == nil {
		err = s.store.Delete(r.Context(), who.user.ID)
	}
	if errors.Is(err, users.ErrNotFound) {
		err = nil // it was asked for twice at once
	}
	if err == nil {
		s.logger.InfoContext(r.Context(), "account removed by its owner", "user", who.user.ID, "client", clientOf(r))
	}
	s.done(w, r, http.StatusNoContent, err)
}

func (s *Service) handleAddAPIKey(w http.ResponseWriter, r *http.Request) {
	who, err := s.person(r)
	if err != nil {
		httpx.WriteProblem(w, r, s.problemOf(r, err))
		return
	}
	var request client.APIKeyRequest
	if !httpx.DecodeJSON(w, r, &request) {
		return
	}
	key, text, err := makeAPIKey(who.user.ID, request, time.Now().UTC().Truncate(time.Microsecond))
	if err == nil {
		err = s.store.AddAPIKey(r.Context(), key)
	}
	if err != nil {
		httpx.WriteProblem(w, r, s.problemOf(r, err))
		return
	}
	s.logger.InfoContext(r.Context(), "API key added", "user", who.user.ID, "key", key.ID, "client", clientOf(r))
	s.json(w, http.StatusCreated, client.NewAPIKey{APIKey: shownKey(key), Key: text})
}

func (s *Service) handleAPIKeys(w http.ResponseWriter, r *http.Request) {
	who, err := s.caller(r)
	var keys []users.APIKey
	if err == nil {
		keys, err = s.store.APIKeys(r.Context(), who.user.ID)
	}
	if err != nil {
		httpx.WriteProblem(w, r, s.problemOf(r, err))
		return
	}
	list := client.APIKeyList{APIKeys: make([]client.APIKey, len(keys))}
	for i, key := range keys {
		list.APIKeys[i] = shownKey(key)
	}
	s.json(w, http.StatusOK, list)
}

func (s *Service) handleRemoveAPIKey(w http.ResponseWriter, r *http.Request) {
	who, err := s.person(r)
	id := r.PathValue("id")
	if err == nil {
		err = s.store.RemoveAPIKey(r.Context(), who.user.ID, id)
	}
	if err == nil {
		s.logger.InfoContext(r.Context(), "API key removed", "user", who.user.ID, "key", id, "client", clientOf(r))
	}
	s.done(w, r, http.StatusNoContent, err)
}
