package httpx

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/unreel/unreel/internal/conversion"
)

// Chain wraps a handler in middlewares; the first is the outermost.
func Chain(handler http.Handler, middlewares ...func(http.Handler) http.Handler) http.Handler {
	for _, middleware := range slices.Backward(middlewares) {
		handler = middleware(handler)
	}
	return handler
}

type requestIDKey struct{}

// maxRequestID is the longest X-Request-Id that is taken over from a client or a proxy, in bytes.
const maxRequestID = 64

// RequestID gives every request an id, the client's own if it is harmless, and answers with it in
// X-Request-Id.
func RequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if !harmless(id) {
			id = rand.Text()
		}
		w.Header().Set("X-Request-Id", id)
		inner := r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id))
		// Those outside look at the route, too.
		defer func() { r.Pattern = inner.Pattern }()
		next.ServeHTTP(w, inner)
	})
}

// RequestIDOf returns the id that RequestID gave to a request, or "".
func RequestIDOf(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

func harmless(id string) bool {
	if id == "" || len(id) > maxRequestID {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}

// Recorder notes what a handler answers, for those who look at requests.
type Recorder struct {
	http.ResponseWriter

	Status int // 0 until something was sent
	Bytes  int64
}

// WriteHeader implements http.ResponseWriter.
func (w *Recorder) WriteHeader(status int) {
	if w.Status == 0 && status >= http.StatusOK {
		w.Status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *Recorder) Write(p []byte) (int, error) {
	if w.Status == 0 {
		w.Status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.Bytes += int64(n)
	return n, err
}

// recover answers for a handler that panicked, and returns what to panic with if it is too late for that.
func (w *Recorder) recover(r *http.Request) any {
	if w.Status != 0 {
		return http.ErrAbortHandler
	}
	WriteProblem(w, r, Internal())
	return nil
}

// Unwrap lets http.ResponseController reach the connection.
func (w *Recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Log writes one line for every request, and turns a panic into a logged error and a 500. If part of an answer has been
// sent, the connection is cut instead, lest the part pass for the whole. The line has the route's pattern and the
// conversion's id, not the path: paths carry what is nobody's business.
func Log(logger *slog.Logger) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			began := time.Now()
			recorded := &Recorder{ResponseWriter: w}
			ctx := r.Context()
			id := RequestIDOf(ctx)
			defer func() {
				failure := recover()
				if failure != nil && failure != http.ErrAbortHandler { //nolint:errorlint // the value that net/http documents, never wrapped
					logger.ErrorContext(ctx, "handler panicked", "request", id, "panic", failure, "stack", string(debug.Stack()))
					failure = recorded.recover(r)
				} else if failure == nil && recorded.Status == 0 {
					recorded.Status = http.StatusOK // what net/http sends for a handler that sent nothing
				}
				line := []any{
					"request", id, "method", r.Method, "route", r.Pattern,
					"status", recorded.Status, "bytes", recorded.Bytes, "took", time.Since(began),
				}
				if id, ok := ConversionOf(r, w.Header()); ok {
					line = append(line, "conversion", id)
				}
				logger.InfoContext(ctx, "request", line...)
				if failure != nil {
					panic(failure)
				}
			}()
			next.ServeHTTP(recorded, r)
		})
	}
}

// ConversionOf is the conversion that a request is about: the one in its path or, on the original route, its query; or
// the one that it has made.
func ConversionOf(r *http.Request, answer http.Header) (conversion.ID, bool) {
	var text string
	switch {
	case strings.Contains(r.Pattern, "/v1/conversions/{id}"), strings.Contains(r.Pattern, "/v1/uploads/{id}"):
		text = r.PathValue("id")
	case strings.HasSuffix(r.Pattern, " /download"):
		text = r.URL.Query().Get("fid")
	default:
		text = answer.Get("Location")
		text = strings.TrimPrefix(strings.TrimPrefix(text, "/v1/conversions/"), "/v1/uploads/")
	}
	id, err := conversion.ParseID(text)
	return id, err == nil
}

// Harden sets the headers that keep a browser from doing more with an answer than it should. A handler
// that serves a page sets its own Content-Security-Policy.
func Harden(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}
