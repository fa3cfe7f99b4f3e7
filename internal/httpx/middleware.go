package httpx

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"time"
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
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id)))
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

// recorder notes what a handler answered, for the access log.
type recorder struct {
	http.ResponseWriter

	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// recover answers for a handler that panicked, and returns what to panic with if it is too late for that.
func (w *recorder) recover(r *http.Request) any {
	if w.status != 0 {
		return http.ErrAbortHandler
	}
	WriteProblem(w, r, Internal())
	return nil
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Log writes one line for every request, and turns a panic into a logged error and a 500. If part of an answer has been
// sent, the connection is cut instead, lest the part pass for the whole. The line has the route's pattern, not the path: paths carry what is nobody's business.
func Log(logger *slog.Logger) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			began := time.Now()
			recorded := &recorder{ResponseWriter: w}
			id := RequestIDOf(r.Context())
			defer func() {
				failure := recover()
				if failure != nil && failure != http.ErrAbortHandler { //nolint:errorlint // the value that net/http documents, never wrapped
					logger.Error("handler panicked", "request", id, "panic", failure, "stack", string(debug.Stack()))
					failure = recorded.recover(r)
				} else if failure == nil && recorded.status == 0 {
					recorded.status = http.StatusOK // what net/http sends for a handler that sent nothing
				}
				logger.Info("request", "request", id, "method", r.Method, "route", r.Pattern,
					"status", recorded.status, "bytes", recorded.bytes, "took", time.Since(began))
				if failure != nil {
					panic(failure)
				}
			}()
			next.ServeHTTP(recorded, r)
		})
	}
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
