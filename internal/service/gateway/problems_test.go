package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/link"
	"github.com/unreel/unreel/internal/service/auth/client"
	"github.com/unreel/unreel/internal/store"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/ledger"
)

// TestProblems wants every error to become what a client can act upon, and only what is our fault to be logged.
func TestProblems(t *testing.T) {
	for _, test := range []struct {
		err    error
		status int
		slug   string
		logged bool
	}{
		{ledger.ErrNotFound, 404, "not-found", false},
		{ledger.ErrConflict, 409, "conflict", false},
		{ledger.ErrExpired, 410, "expired", false},
		{ledger.ErrStale, 408, "upload-stalled", false},
		{ledger.ErrHeld, 423, "upload-locked", false},
		{ledger.ErrOffset, 409, "wrong-offset", false},
		{errInterrupted, 409, "upload-interrupted", false},
		{errBeyond, 413, "beyond-length", false},
		{errChecksum, 460, "checksum-mismatch", false},
		{errNotOffsetStream, 415, "unsupported-media-type", false},
		{link.ErrInvalid, 403, "bad-link", false},
		{link.ErrExpired, 403, "link-expired", false},
		{errTooLarge, 413, "too-large", false},
		{errBroken, 400, "broken-upload", false},
		{errFileCount, 400, "file-count", false},
		{errTooMany, 400, "malformed", false},
		{errNotMultipart, 415, "unsupported-media-type", false},
		{errKeyReused, 422, "invalid", false},
		{errKeyBusy, 409, "in-progress", false},
		{errBusy, 503, "busy", false},
		{errOwnBusy, 429, "too-many-uploads", false},
		{&conversion.OptionError{Field: "vbr", Detail: "x"}, 422, "invalid", false},
		{httpx.NewProblem(429, "slow-down", "x", "y"), 429, "slow-down", false},
		{store.ErrUnavailable, 503, "unavailable", true},
		{client.ErrUnavailable, 503, "unavailable", true},
		{context.DeadlineExceeded, 503, "unavailable", true},
		{store.ErrFull, 507, "full", true},
		{blob.ErrFull, 507, "full", true},
		{errors.New("password 4711"), 500, "internal", true},
	} {
		var log bytes.Buffer
		g := &Gateway{places: newPlaces(8), config: Config{MaxUpload: 4 << 30}, logger: slog.New(slog.NewTextHandler(&log, nil))}
		problem := g.problemOf(httptest.NewRequest("GET", "/", nil), fmt.Errorf("do: %w", test.err))
		if problem.Status != test.status || problem.Type != "/problems/"+test.slug || problem.Title == "" || problem.Detail == "" {
			t.Errorf("%v: %+v", test.err, problem)
		}
		if strings.Contains(problem.Error(), "4711") || strings.Contains(problem.Detail, "UNREEL") {
			t.Errorf("%v: tells what is nobody's business: %+v", test.err, problem)
		}
		if (log.Len() > 0) != test.logged {
			t.Errorf("%v: logged %q", test.err, log.String())
		}
		if (problem.Status == 503 || problem.Status == 507) && problem.RetryAfter == 0 {
			t.Errorf("%v: does not say when to come again", test.err)
		}
	}
}
