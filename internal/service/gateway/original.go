package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/service/auth/client"
	"github.com/unreel/unreel/internal/store/ledger"
)

// The routes of the first version of this system, which are kept for ever, answer in plain text.

// Upload implements POST /upload.
func (g *Gateway) Upload(w http.ResponseWriter, r *http.Request) {
	claims, ok := g.authenticateText(w, r)
	if !ok {
		return
	}
	record, err := g.takeUpload(w, r, &uploadRequest{claims: claims})
	if errors.Is(err, errFileCount) || errors.Is(err, errNotMultipart) {
		g.text(w, http.StatusBadRequest, errFileCount.Error())
		return
	}
	if err != nil {
		g.failText(w, r, err)
		return
	}
	w.Header().Set("Location", location(record.ID))
	g.text(w, http.StatusOK, "success!")
}

// Download implements GET /download.
func (g *Gateway) Download(w http.ResponseWriter, r *http.Request, params api.DownloadParams) {
	claims, ok := g.authenticateText(w, r)
	if !ok {
		return
	}
	if params.Fid == nil || *params.Fid == "" {
		g.text(w, http.StatusBadRequest, "fid is required")
		return
	}
	id, err := conversion.ParseID(*params.Fid)
	if err != nil {
		g.text(w, http.StatusBadRequest, "fid: "+err.Error())
		return
	}
	record, err := g.ledger.Get(r.Context(), claims.UserID, id)
	if err == nil {
		err = record.Downloadable(time.Now())
	}
	if err == nil {
		err = g.serveMP3(w, r, record, fmt.Sprintf(`attachment; filename="%s.mp3"`, id), g.problemText)
	}
	switch {
	case err == nil:
	case errors.Is(err, ledger.ErrConflict):
		g.text(w, http.StatusNotFound, fmt.Sprintf("not ready: the conversion is %s", record.Status))
	case errors.Is(err, ledger.ErrExpired):
		g.text(w, http.StatusNotFound, "expired: the files have been deleted")
	default:
		g.failText(w, r, err)
	}
}

// authenticateText is authenticate with the answers of the first version.
func (g *Gateway) authenticateText(w http.ResponseWriter, r *http.Request) (client.Claims, bool) {
	claims, err := g.claims(r)
	switch {
	case err == nil:
		return claims, true
	case errors.Is(err, errNoToken):
		w.Header().Set("WWW-Authenticate", "Bearer")
		g.text(w, http.StatusUnauthorized, "missing credentials")
	case errors.Is(err, client.ErrBadToken):
		g.text(w, http.StatusForbidden, "not authorized")
	default:
		g.failText(w, r, err)
	}
	return client.Claims{}, false
}

func (g *Gateway) text(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	g.write(w, []byte(body))
}

// failText answers with the text of the problem that fail would answer with.
func (g *Gateway) failText(w http.ResponseWriter, r *http.Request, err error) {
	g.problemText(w, r, g.problemOf(r, err))
}

func (g *Gateway) problemText(w http.ResponseWriter, _ *http.Request, problem httpx.Problem) {
	problem.SetHeaders(w.Header())
	g.text(w, problem.Status, problem.Detail)
}
