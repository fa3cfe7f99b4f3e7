package cli

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/api/client"
)

// maxRetryPause is how long a server may ask to wait before the person is asked instead.
const maxRetryPause = time.Minute

// sender sends videos to a server.
type sender struct {
	remote *remote
	io     *IO
	fields []formField
	// Before each further attempt, and before those that bring nothing of a video in pieces: together these are longer than a
	// server waits for a connection that is dead.
	pauses, piecePauses []time.Duration
}

func newSender(r *remote, io *IO, fields []formField) *sender {
	return &sender{
		remote: r, io: io, fields: fields,
		pauses: []time.Duration{time.Second, 3 * time.Second},
		piecePauses: []time.Duration{
			time.Second, 3 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second, 30 * time.Second,
		},
	}
}

// send sends one video, in pieces if it is large and the server takes them.
func (s *sender) send(ctx context.Context, path string) (api.Conversion, error) {
	if info, err := os.Stat(path); err == nil && info.Size() >= worthPieces {
		one, err := s.sendInPieces(ctx, path)
		if !errors.Is(err, errNoPieces) {
			return one, err
		}
	}
	return s.sendWhole(ctx, path)
}

// sendWhole sends a video in one request. Every attempt carries the same key, so that an answer that was lost on its way does
// not make a second conversion.
func (s *sender) sendWhole(ctx context.Context, path string) (api.Conversion, error) {
	key := rand.Text()
	for attempt := 0; ; attempt++ {
		one, err := s.attempt(ctx, path, key)
		if err == nil {
			s.remote.met = true
			return one, nil
		}
		pause, again := againAfter(s.pauses, err, attempt)
		if ctx.Err() != nil || !again {
			return one, s.remote.explain(err)
		}
		fmt.Fprintf(s.io.Err, "%s: %v; trying again in %s\n", printable(path), s.remote.explain(err), pause)
		if err := sleep(ctx, pause); err != nil {
			return one, err
		}
	}
}

// attempt sends the video once, with a head that lets the server refuse before the video is on its way.
func (s *sender) attempt(ctx context.Context, path, key string) (api.Conversion, error) {
	file, err := os.Open(path)
	if err != nil {
		return api.Conversion{}, err
	}
	defer file.Close()
	form, err := newVideoForm(file, s.fields)
	if err != nil {
		return api.Conversion{}, err
	}
	meter := newMeter(s.io.Err)
	defer meter.clear()
	body := &metered{Reader: form.body, meter: meter, label: filepath.Base(path), total: form.length}
	head := func(_ context.Context, request *http.Request) error {
		request.ContentLength = form.length
		request.Header.Set("Expect", "100-continue")
		return nil
	}
	params := &api.CreateConversionParams{IdempotencyKey: &key}
	return client.Decode[api.Conversion](s.remote.CreateConversionWithBody(ctx, params, form.contentType, body, head))
}

// againAfter tells whether a further attempt makes sense, and after which pause.
func againAfter(pauses []time.Duration, err error, attempt int) (time.Duration, bool) {
	if attempt >= len(pauses) {
		return 0, false
	}
	pause := pauses[attempt]
	refused, ok := errors.AsType[*client.Error](err)
	if !ok {
		return pause, isBroken(err)
	}
	pause = max(pause, refused.RetryAfter)
	return pause, pause <= maxRetryPause && isBusy(refused)
}

// isBusy tells whether a server refused for now only: it is busy or starting, or still has in hand the
// attempt whose connection broke.
func isBusy(refused *client.Error) bool {
	switch refused.Problem.Status {
	case http.StatusRequestTimeout, http.StatusLocked, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	case http.StatusConflict:
		return slices.Contains([]string{"/problems/in-progress", "/problems/wrong-offset", "/problems/upload-interrupted"}, refused.Problem.Type)
	}
	return false
}

// isBroken tells whether a connection broke or was not made, and not for a reason that will last.
func isBroken(err error) bool {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	_, lost := errors.AsType[*url.Error](err)
	_, redirect := errors.AsType[*redirectError](err)
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, file := errors.AsType[*os.PathError](err)
	name, unnamed := errors.AsType[*net.DNSError](err)
	return lost && !redirect && !certificate && !file && (!unnamed || !name.IsNotFound)
}
