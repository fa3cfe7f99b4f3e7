package gateway

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/service/auth/client"
	"github.com/unreel/unreel/internal/store/ledger"
)

// GetConversion implements GET /v1/conversions/{id}.
func (g *Gateway) GetConversion(w http.ResponseWriter, r *http.Request, text api.ID) {
	g.answer(w, r, text, http.StatusOK, g.ledger.Get)
}

// RetryConversion implements POST /v1/conversions/{id}/retry.
func (g *Gateway) RetryConversion(w http.ResponseWriter, r *http.Request, text api.ID) {
	g.answer(w, r, text, http.StatusAccepted, g.changing(g.ledger.Retry))
}

// CancelConversion implements POST /v1/conversions/{id}/cancel.
func (g *Gateway) CancelConversion(w http.ResponseWriter, r *http.Request, text api.ID) {
	g.answer(w, r, text, http.StatusAccepted, g.changing(g.ledger.Cancel))
}

// DeleteConversion implements DELETE /v1/conversions/{id}.
func (g *Gateway) DeleteConversion(w http.ResponseWriter, r *http.Request, text api.ID) {
	claims, id, ok := g.identify(w, r, text)
	if !ok {
		return
	}
	if _, err := g.changing(g.ledger.Delete)(r.Context(), claims.UserID, id); err != nil {
		g.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// ownerCall is a ledger's method for an owner's conversion.
type ownerCall func(ctx context.Context, owner string, id conversion.ID) (ledger.Record, error)

// changing makes a call known to those who work on the conversion or watch it.
func (g *Gateway) changing(call ownerCall) ownerCall {
	return func(ctx context.Context, owner string, id conversion.ID) (ledger.Record, error) {
		record, err := call(ctx, owner, id)
		if err == nil {
			g.wake()
			g.announce(ctx, record)
		}
		return record, err
	}
}

// answer makes a call for the owner and shows the conversion that it returns.
func (g *Gateway) answer(w http.ResponseWriter, r *http.Request, text api.ID, status int, call ownerCall) {
	claims, id, ok := g.identify(w, r, text)
	if !ok {
		return
	}
	record, err := call(r.Context(), claims.UserID, id)
	if err != nil {
		g.fail(w, r, err)
		return
	}
	g.show(w, r, status, record)
}

func (g *Gateway) show(w http.ResponseWriter, r *http.Request, status int, record ledger.Record) {
	shown, err := g.present(r.Context(), record)
	if err != nil {
		g.fail(w, r, err)
		return
	}
	g.json(w, status, shown[0])
}

// The sizes of a list's page.
const (
	defaultPage = 20
	maxPage     = 100
)

// ListConversions implements GET /v1/conversions.
func (g *Gateway) ListConversions(w http.ResponseWriter, r *http.Request, params api.ListConversionsParams) {
	claims, ok := g.authenticate(w, r)
	if !ok {
		return
	}
	query, err := listQuery(claims, params)
	if err != nil {
		g.fail(w, r, err)
		return
	}
	query.Limit++ // one more than the page has tells whether there is another
	records, err := g.ledger.List(r.Context(), query)
	if err != nil {
		g.fail(w, r, err)
		return
	}
	var list api.ConversionList
	if page := query.Limit - 1; len(records) > page {
		records = records[:page]
		list.NextCursor = formatCursor(records[page-1])
		w.Header().Set("Link", nextLink(r.URL, list.NextCursor))
	}
	if list.Conversions, err = g.present(r.Context(), records...); err != nil {
		g.fail(w, r, err)
		return
	}
	g.json(w, http.StatusOK, list)
}

func listQuery(claims client.Claims, params api.ListConversionsParams) (ledger.Query, error) {
	query := ledger.Query{Owner: claims.UserID, Limit: defaultPage}
	if params.Limit != nil {
		query.Limit = *params.Limit
		if query.Limit < 1 || query.Limit > maxPage {
			return query, &conversion.OptionError{Field: "limit", Detail: fmt.Sprintf("must be from 1 to %d", maxPage)}
		}
	}
	if params.Status != nil && *params.Status != "" {
		query.Status = *params.Status
		if !known(query.Status) {
			return query, &conversion.OptionError{Field: "status", Detail: "must be queued, converting, completed, failed or canceled"}
		}
	}
	if params.Cursor != nil && *params.Cursor != "" {
		cursor, err := parseCursor(*params.Cursor)
		if err != nil {
			return query, &conversion.OptionError{Field: "cursor", Detail: "must be a next_cursor of an earlier answer"}
		}
		query.After = cursor
	}
	return query, nil
}

func known(status conversion.Status) bool {
	switch status {
	case conversion.Queued, conversion.Converting, conversion.Completed, conversion.Failed, conversion.Canceled:
		return true
	default:
		return false
	}
}

// formatCursor writes the place behind a record, for clients to hand back and not to read.
func formatCursor(record ledger.Record) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d.%s", record.CreatedAt.UnixMicro(), record.ID))
}

func parseCursor(text string) (*ledger.Cursor, error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	micros, id, _ := strings.Cut(string(raw), ".")
	created, err := strconv.ParseInt(micros, 10, 64)
	if err != nil {
		return nil, err
	}
	parsed, err := conversion.ParseID(id)
	return &ledger.Cursor{CreatedAt: time.UnixMicro(created), ID: parsed}, err
}

// nextLink is a Link header (RFC 8288) to the next page, relative to the page it comes with.
func nextLink(here *url.URL, cursor string) string {
	query := here.Query()
	query.Set("cursor", cursor)
	next := url.URL{Path: here.Path, RawQuery: query.Encode()}
	return fmt.Sprintf(`<%s>; rel="next"`, next.String())
}

// identify authenticates and reads an id. What is no id names nothing.
func (g *Gateway) identify(w http.ResponseWriter, r *http.Request, text string) (client.Claims, conversion.ID, bool) {
	claims, ok := g.authenticate(w, r)
	if !ok {
		return client.Claims{}, "", false
	}
	id, err := conversion.ParseID(text)
	if errors.Is(err, conversion.ErrBadID) {
		g.fail(w, r, ledger.ErrNotFound)
		return client.Claims{}, "", false
	}
	return claims, id, true
}
