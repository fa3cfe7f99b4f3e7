package httpx

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// RollingReader reads a request's body with a deadline for each read instead of one for the whole: a slow line is
// served for as long as it takes, one on which nothing moves is cut.
type RollingReader struct {
	body       io.Reader
	controller *http.ResponseController
	patience   time.Duration
}

// NewRollingReader makes a RollingReader that waits for the given time at the most for each piece.
func NewRollingReader(w http.ResponseWriter, r *http.Request, patience time.Duration) *RollingReader {
	return &RollingReader{body: r.Body, controller: http.NewResponseController(w), patience: patience}
}

// Read implements io.Reader.
func (r *RollingReader) Read(p []byte) (int, error) {
	if err := extend(r.controller.SetReadDeadline, r.patience); err != nil {
		return 0, err
	}
	n, err := r.body.Read(p)
	if errors.Is(err, io.EOF) {
		// From here on the server reads only to see whether the client goes, which a deadline would look like.
		if err := set(r.controller.SetReadDeadline, time.Time{}); err != nil {
			return n, err
		}
	}
	return n, err
}

// RollingWriter writes an answer with a deadline for each write.
type RollingWriter struct {
	http.ResponseWriter

	controller *http.ResponseController
	patience   time.Duration
}

// NewRollingWriter makes a RollingWriter that waits for the given time at the most for each piece to leave.
func NewRollingWriter(w http.ResponseWriter, patience time.Duration) *RollingWriter {
	return &RollingWriter{ResponseWriter: w, controller: http.NewResponseController(w), patience: patience}
}

// Write implements io.Writer.
func (w *RollingWriter) Write(p []byte) (int, error) {
	if err := extend(w.controller.SetWriteDeadline, w.patience); err != nil {
		return 0, err
	}
	return w.ResponseWriter.Write(p)
}

// Flush sends what has been written.
func (w *RollingWriter) Flush() error {
	if err := extend(w.controller.SetWriteDeadline, w.patience); err != nil {
		return err
	}
	return w.controller.Flush()
}

// Unwrap lets http.ResponseController reach the connection.
func (w *RollingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Unhurried takes away the deadline that a RollingWriter left on a connection which is now used again: a server without
// a WriteTimeout does not, and the answer would be cut before it began.
func Unhurried(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := set(http.NewResponseController(w).SetWriteDeadline, time.Time{}); err != nil {
			panic(http.ErrAbortHandler) // the connection is gone
		}
		next.ServeHTTP(w, r)
	})
}

func extend(deadline func(time.Time) error, patience time.Duration) error {
	return set(deadline, time.Now().Add(patience))
}

// set sets a deadline where the connection has one; a request served in the process has none.
func set(deadline func(time.Time) error, at time.Time) error {
	if err := deadline(at); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("set deadline: %w", err)
	}
	return nil
}
