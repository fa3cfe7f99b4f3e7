package gateway

import (
	"net/http"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/service/auth/client"
)

// CreateAPIKey implements POST /v1/api-keys.
func (g *Gateway) CreateAPIKey(w http.ResponseWriter, r *http.Request) {
	if _, ok := g.authenticatePerson(w, r); !ok {
		return
	}
	var request client.APIKeyRequest
	if !httpx.DecodeJSON(w, r, &request) {
		return
	}
	key, err := g.accounts.AddAPIKey(r.Context(), g.clientAddress(r), r.Header.Get("Authorization"), request)
	if err != nil {
		g.fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	g.json(w, http.StatusCreated, api.NewAPIKey{
		ID: key.ID, Name: key.Name, Hint: key.Hint, Key: key.Key,
		CreatedAt: key.CreatedAt, LastUsedAt: key.LastUsedAt, ExpiresAt: key.ExpiresAt,
	})
}

// ListAPIKeys implements GET /v1/api-keys.
func (g *Gateway) ListAPIKeys(w http.ResponseWriter, r *http.Request) {
	if _, ok := g.authenticate(w, r); !ok {
		return
	}
	keys, err := g.accounts.APIKeys(r.Context(), g.clientAddress(r), r.Header.Get("Authorization"))
	if err != nil {
		g.fail(w, r, err)
		return
	}
	list := api.APIKeyList{APIKeys: make([]api.APIKey, len(keys.APIKeys))}
	for i, key := range keys.APIKeys {
		list.APIKeys[i] = api.APIKey{
			ID: key.ID, Name: key.Name, Hint: key.Hint,
			CreatedAt: key.CreatedAt, LastUsedAt: key.LastUsedAt, ExpiresAt: key.ExpiresAt,
		}
	}
	g.json(w, http.StatusOK, list)
}

// DeleteAPIKey implements DELETE /v1/api-keys/{id}.
func (g *Gateway) DeleteAPIKey(w http.ResponseWriter, r *http.Request, id string) {
	if _, ok := g.authenticatePerson(w, r); !ok {
		return
	}
	if err := g.accounts.RemoveAPIKey(r.Context(), g.clientAddress(r), r.Header.Get("Authorization"), id); err != nil {
		g.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
