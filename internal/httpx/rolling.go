package httpx

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

// RollingReader reads a request's body with a deadline for each read instead of one for the whole: a slow line is
// served for as long as it takes, one on which nothing moves is cut.
type RollingReader struct {
	body       io.Reader
	controller *http.ResponseController
	patience   time.Duration

	mutex   sync.Mutex
	stopped bool
}

// NewRollingReader makes a RollingReader that waits for the given time at the most for each piece.
func NewRollingReader(w http.ResponseWriter, r *http.Request, patience time.Duration) *RollingReader {
	return &RollingReader{body: r.Body, controller: http.NewResponseController(w), patience: patience}
}

// Read implements io.Reader.
func (r *RollingReader) Read(p []byte) (int, error) {
	if err := r.extend(); err != nil {
		return 0, err
	}
	return r.body.Read(p)
}

func (r *RollingReader) extend() error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.stopped {
		return os.ErrDeadlineExceeded
	}
	return extend(r.controller.SetReadDeadline, r.patience)
}

// Stop ends the Read that is waiting, and all after it. It may be called from any goroutine.
func (r *RollingReader) Stop() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.stopped = true
	// Where there is no deadline there is no line that could be dead.
	_ = r.controller.SetReadDeadline(time.Unix(1, 0))
}

// Stopped tells whether Stop was called.
func (r *RollingReader) Stopped() bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.stopped
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

// extend sets a deadline where the connection has one; a request served in the process has none.
func extend(set func(time.Time) error, patience time.Duration) error {
	if err := set(time.Now().Add(patience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("set deadline: %w", err)
	}
	return nil
}
