package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/link"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/ledger"
)

// Links work for a day unless asked otherwise, and for a week at the most.
const (
	defaultLinkLife = 24 * time.Hour
	maxLinkLife     = 7 * 24 * time.Hour
)

// GetMP3 implements GET /v1/conversions/{id}/mp3, with a token or a signed URL.
func (g *Gateway) GetMP3(w http.ResponseWriter, r *http.Request, text api.ID, params api.GetMP3Params) {
	if params.Signature == nil {
		claims, id, ok := g.identify(w, r, text)
		if !ok {
			return
		}
		record, err := g.ledger.Get(r.Context(), claims.UserID, id)
		if err != nil {
			g.fail(w, r, err)
			return
		}
		g.sendMP3(w, r, record)
		return
	}
	id, err := conversion.ParseID(text)
	if err != nil {
		g.fail(w, r, ledger.ErrNotFound)
		return
	}
	record, err := g.signedRecord(r.Context(), id, params)
	if err != nil {
		g.fail(w, r, err)
		return
	}
	g.sendMP3(w, r, record)
}

// signedRecord is the record that a signed URL gives access to.
func (g *Gateway) signedRecord(ctx context.Context, id conversion.ID, params api.GetMP3Params) (ledger.Record, error) {
	if params.Expires == nil {
		return ledger.Record{}, link.ErrInvalid
	}
	if err := g.links.Verify(ctx, id, *params.Expires, *params.Signature, time.Now()); err != nil {
		return ledger.Record{}, err
	}
	record, err := g.ledger.Peek(ctx, id)
	if err == nil && !record.Status.Public() {
		err = ledger.ErrNotFound
	}
	return record, err
}

func (g *Gateway) sendMP3(w http.ResponseWriter, r *http.Request, record ledger.Record) {
	if err := record.Downloadable(time.Now()); err != nil {
		g.fail(w, r, err)
		return
	}
	if err := g.serveMP3(w, r, record, attachment(mp3Name(record.Video.Name)), g.problem); err != nil {
		g.fail(w, r, err)
	}
}

// serveMP3 streams the MP3, or the range of it that was asked for; refuse answers where there is no such range, or the
// client's condition does not hold. The error is for an answer that has not begun.
func (g *Gateway) serveMP3(w http.ResponseWriter, r *http.Request, record ledger.Record, disposition string, refuse answer) error {
	reader, err := g.blobs.Open(r.Context(), blob.MP3, record.ID)
	if errors.Is(err, blob.ErrNotFound) {
		return ledger.ErrExpired
	}
	if err != nil {
		return fmt.Errorf("open MP3: %w", err)
	}
	defer reader.Close()
	header := w.Header()
	header.Set("Content-Type", "audio/mpeg")
	header.Set("Content-Disposition", disposition)
	header.Set("ETag", `"`+record.MP3.SHA256+`"`)
	header.Set("Cache-Control", "private, no-cache")
	if !strings.HasPrefix(r.Header.Get("Range"), "bytes=") {
		r.Header.Del("Range") // in a unit that nobody knows: to be ignored, RFC 9110, section 14.2
	}
	out := &rangeWriter{ResponseWriter: httpx.NewRollingWriter(w, patience), request: r, size: reader.Info().Size, refuse: refuse}
	http.ServeContent(out, r, "", record.FinishedAt, reader)
	return nil
}

// answer answers a request with a problem, in the form that its route has for them.
type answer func(w http.ResponseWriter, r *http.Request, problem httpx.Problem)

// rangeWriter answers with a problem where http.ServeContent would answer in words of its own.
type rangeWriter struct {
	http.ResponseWriter

	request *http.Request
	size    int64 // of the MP3, in bytes
	refuse  answer
	refused bool
}

// WriteHeader implements http.ResponseWriter.
func (w *rangeWriter) WriteHeader(status int) {
	var problem httpx.Problem
	switch status {
	case http.StatusRequestedRangeNotSatisfiable:
		w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", w.size))
		problem = httpx.NewProblem(status, "no-such-range", "There is no such range", fmt.Sprintf("The MP3 has %d bytes.", w.size))
	case http.StatusPreconditionFailed:
		problem = httpx.NewProblem(status, "precondition-failed", "The MP3 is another one",
			"It is not the one that If-Match or If-Unmodified-Since names. Its ETag says which it is.")
	default:
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.refused = true
	w.Header().Del("Content-Disposition")
	w.refuse(w.ResponseWriter, w.request, problem)
}

// Write implements io.Writer.
func (w *rangeWriter) Write(p []byte) (int, error) {
	if w.refused {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}

// mp3Name is the video's name with another ending.
func mp3Name(video string) string {
	stem := strings.TrimSuffix(video, path.Ext(video))
	if stem == "" {
		stem = video
	}
	return stem + ".mp3"
}

// attachment is a Content-Disposition with a name that every client reads and the exact one, in the form of
// RFC 8187, for those that know it.
func attachment(name string) string {
	plain := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || strings.ContainsRune(`"\%;`, r) {
			return '_'
		}
		return r
	}, name)
	exact := strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
	return `attachment; filename="` + plain + `"; filename*=UTF-8''` + exact
}

// CreateLink implements POST /v1/conversions/{id}/links.
func (g *Gateway) CreateLink(w http.ResponseWriter, r *http.Request, text api.ID) {
	claims, id, ok := g.identify(w, r, text)
	if !ok {
		return
	}
	life, ok := g.linkLife(w, r)
	if !ok {
		return
	}
	record, err := g.ledger.Get(r.Context(), claims.UserID, id)
	if err == nil {
		err = record.Downloadable(time.Now())
	}
	if err != nil {
		g.fail(w, r, err)
		return
	}
	expires := time.Now().Add(life).Truncate(time.Second).UTC()
	signed, err := g.links.URL(r.Context(), id, expires)
	if err != nil {
		g.fail(w, r, err)
		return
	}
	g.json(w, http.StatusCreated, api.Link{URL: signed, ExpiresAt: expires})
}

func (g *Gateway) linkLife(w http.ResponseWriter, r *http.Request) (time.Duration, bool) {
	if r.ContentLength == 0 {
		return defaultLinkLife, true
	}
	var request api.LinkRequest
	if !httpx.DecodeJSON(w, r, &request) {
		return 0, false
	}
	if request.ExpiresIn == nil {
		return defaultLinkLife, true
	}
	if *request.ExpiresIn < 1 || *request.ExpiresIn > int(maxLinkLife.Seconds()) {
		g.problem(w, r, invalid("expires_in", fmt.Sprintf("must be from 1 to %d seconds", int(maxLinkLife.Seconds()))))
		return 0, false
	}
	return time.Duration(*request.ExpiresIn) * time.Second, true
}
