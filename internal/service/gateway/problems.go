package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/link"
	"github.com/unreel/unreel/internal/service/auth/client"
	"github.com/unreel/unreel/internal/store"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/ledger"
)

// problem answers with a problem.
func (g *Gateway) problem(w http.ResponseWriter, r *http.Request, problem httpx.Problem) {
	httpx.WriteProblem(w, r, problem)
}

// fail answers with the problem that an error means.
func (g *Gateway) fail(w http.ResponseWriter, r *http.Request, err error) {
	g.problem(w, r, g.problemOf(r, err))
}

// problemOf is the one place where an error becomes an answer. What is nobody's fault but ours is logged.
func (g *Gateway) problemOf(r *http.Request, err error) httpx.Problem {
	if problem, found := g.clientProblem(err); found {
		return problem
	}
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		g.logger.DebugContext(r.Context(), "client has gone", "request", httpx.RequestIDOf(r.Context()))
		return httpx.Internal()
	}
	line := []any{"request", httpx.RequestIDOf(r.Context()), "error", err}
	if id, ok := httpx.ConversionOf(r, nil); ok {
		line = append(line, "conversion", id)
	}
	g.logger.ErrorContext(r.Context(), "request failed", line...)
	switch {
	case errors.Is(err, store.ErrUnavailable):
		return httpx.Unavailable("The database")
	case errors.Is(err, client.ErrUnavailable):
		return httpx.Unavailable("The service for accounts")
	case errors.Is(err, context.DeadlineExceeded):
		return httpx.Unavailable("A server that this needs")
	case errors.Is(err, store.ErrFull), errors.Is(err, blob.ErrFull):
		p := httpx.NewProblem(http.StatusInsufficientStorage, "full", "There is no room for more", "The disk is full. Please try again later.")
		p.RetryAfter = time.Minute
		return p
	default:
		return httpx.Internal()
	}
}

// clientProblem is the problem of an error that the client can do something about.
func (g *Gateway) clientProblem(err error) (httpx.Problem, bool) {
	if problem, ok := errors.AsType[httpx.Problem](err); ok {
		return problem, true
	}
	if option, ok := errors.AsType[*conversion.OptionError](err); ok {
		return invalid(option.Field, option.Detail), true
	}
	for _, known := range g.knownProblems() {
		if errors.Is(err, known.err) {
			return known.problem, true
		}
	}
	return httpx.Problem{}, false
}

// statusChecksumMismatch is tus' own.
const statusChecksumMismatch = 460

type knownProblem struct {
	err     error
	problem httpx.Problem
}

func (g *Gateway) knownProblems() []knownProblem {
	limit := humanize.IBytes(uint64(g.config.MaxUpload))
	busy := httpx.NewProblem(http.StatusServiceUnavailable, "busy", "Too many uploads at once", "As many videos are being uploaded as fit. Please try again in a moment.")
	busy.RetryAfter = 10 * time.Second
	keyBusy := httpx.NewProblem(http.StatusConflict, "in-progress", "The first request is still running", "A request with this Idempotency-Key is still being received. Try again when it has ended.")
	keyBusy.RetryAfter = 10 * time.Second
	locked := httpx.NewProblem(http.StatusLocked, "upload-locked", "Bytes of this upload are arriving", "Another request sends them, or did until a moment ago. Ask by HEAD where to go on, and try again.")
	locked.RetryAfter = 5 * time.Second
	return []knownProblem{
		{ledger.ErrHeld, locked},
		{ledger.ErrOffset, httpx.NewProblem(http.StatusConflict, "wrong-offset", "The upload goes on at another offset", "Ask by HEAD where to go on.")},
		{errInterrupted, httpx.NewProblem(http.StatusConflict, "upload-interrupted", "Another request goes on with this upload", "What came before it has been kept. Ask by HEAD where to go on.")},
		{errBeyond, httpx.NewProblem(http.StatusRequestEntityTooLarge, "beyond-length", "There are more bytes than were announced", "A video has as many as its Upload-Length said. Ask by HEAD how many are left.")},
		{errChecksum, httpx.NewProblem(statusChecksumMismatch, "checksum-mismatch", "The bytes are not what the checksum says", "None of them has been kept. Send them again from the same offset.")},
		{errNotOffsetStream, httpx.NewProblem(http.StatusUnsupportedMediaType, "unsupported-media-type", "The body is of the wrong kind", "Send the video's bytes as "+offsetStream+".")},
		{ledger.ErrNotFound, httpx.NewProblem(http.StatusNotFound, "not-found", "There is no such conversion", "You have no conversion with this id.")},
		{ledger.ErrConflict, httpx.NewProblem(http.StatusConflict, "conflict", "The conversion's state does not allow this", "Look at the conversion's status: an MP3 can be had of a completed one, a failed or canceled one can be retried, and one that waits or runs can be canceled.")},
		{ledger.ErrExpired, httpx.NewProblem(http.StatusGone, "expired", "The files have been deleted", "They were kept until the conversion's expires_at. Please upload the video again.")},
		{ledger.ErrClosed, httpx.Unauthorized("invalid-token", "The token is not valid", "Its account has been removed.", `Bearer error="invalid_token"`)},
		{ledger.ErrNoWebhook, httpx.NewProblem(http.StatusNotFound, "not-found", "There is no such webhook", "You have no webhook with this id.")},
		{ledger.ErrTooManyWebhooks, httpx.NewProblem(http.StatusConflict, "too-many-webhooks", "There are too many webhooks", fmt.Sprintf("An account has at most %d webhooks: remove one first.", ledger.MaxWebhooks))},
		{ledger.ErrStale, httpx.NewProblem(http.StatusRequestTimeout, "upload-stalled", "The upload took too long", "No data arrived for a while, so the upload was given up. Please try again.")},
		{link.ErrInvalid, httpx.NewProblem(http.StatusForbidden, "bad-link", "This link is not valid", "Ask whoever gave it to you for a new one.")},
		{link.ErrExpired, httpx.NewProblem(http.StatusForbidden, "link-expired", "This link has expired", "Ask whoever gave it to you for a new one.")},
		{errTooLarge, httpx.NewProblem(http.StatusRequestEntityTooLarge, string(conversion.TooLarge), conversion.TooLarge.Title(), fmt.Sprintf("A video may have at most %s.", limit))},
		{errBroken, httpx.NewProblem(http.StatusBadRequest, "broken-upload", "The upload broke off", "The line broke, or the body ended, before all of it was there. Please try again; an upload in pieces goes on where HEAD says.")},
		{errFileCount, httpx.NewProblem(http.StatusBadRequest, "file-count", "Exactly one file is required", "Send one video in the field \"file\", as the last part of the form.")},
		{errTooMany, httpx.NewProblem(http.StatusBadRequest, "malformed", "The form cannot be read", fmt.Sprintf("A form has at most %d parts.", maxParts))},
		{errNotMultipart, httpx.NewProblem(http.StatusUnsupportedMediaType, "unsupported-media-type", "The body is of the wrong kind", "Send a form as multipart/form-data, with the video in the field \"file\".")},
		{errKeyReused, invalid("Idempotency-Key", "was used before with another video or other options")},
		{errKeyBusy, keyBusy},
		{errBusy, busy},
		{errOwnBusy, tooMany("uploads", "Too many uploads at once", "You have %d uploads under way. Wait for one of them.", g.places.own)},
	}
}

func invalid(field, detail string) httpx.Problem {
	return httpx.Invalid(field, detail)
}

func tooManyStreams() httpx.Problem {
	return tooMany("streams", "Too many event streams", "You have %d event streams open. Close one first.", maxStreams)
}

// tooMany is the problem of who has as many of something at once as one may have.
func tooMany(what, title, detail string, most int) httpx.Problem {
	p := httpx.NewProblem(http.StatusTooManyRequests, "too-many-"+what, title, fmt.Sprintf(detail, most))
	p.RetryAfter = 10 * time.Second
	p.Header = http.Header{
		"RateLimit":        {fmt.Sprintf(`%q;r=0;t=%.0f`, what, p.RetryAfter.Seconds())},
		"RateLimit-Policy": {fmt.Sprintf(`%q;q=%d;qu="concurrent-requests"`, what, most)},
	}
	return p
}

// noSuchRoute is the problem of a request for which there is no route, but for other methods, if any.
func noSuchRoute(methods []string) httpx.Problem {
	if len(methods) == 0 {
		return httpx.NewProblem(http.StatusNotFound, "no-such-route", "There is nothing here", "The routes are listed at /docs.")
	}
	allow := strings.Join(methods, ", ")
	p := httpx.NewProblem(http.StatusMethodNotAllowed, "method-not-allowed", "This cannot be done here", "Allowed: "+allow+".")
	p.Header = http.Header{"Allow": {allow}}
	return p
}

// badParameter answers for a parameter that the generated code could not read.
func (g *Gateway) badParameter(w http.ResponseWriter, r *http.Request, err error) {
	var format *api.InvalidParamFormatError
	var many *api.TooManyValuesForParamError
	switch {
	case r.URL.Path == "/download":
		g.text(w, http.StatusBadRequest, "fid must be given once")
	case errors.As(err, &format):
		g.problem(w, r, invalid(format.ParamName, "is not of the right form"))
	case errors.As(err, &many):
		g.problem(w, r, invalid(many.ParamName, "must be given once"))
	default:
		g.problem(w, r, httpx.NewProblem(http.StatusBadRequest, "malformed", "The request cannot be read", "A parameter is not of the right form."))
	}
}
