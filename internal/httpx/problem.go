// Package httpx has what every HTTP server of Unreel does alike: problem documents, request ids, logs, rolling
// deadlines and probes; and what its clients do.
package httpx

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"strconv"
	"time"
)

// ProblemType is the media type of a Problem.
const ProblemType = "application/problem+json"

// Problem is an error as a client sees it (RFC 9457).
type Problem struct {
	Type     string       `json:"type"`               // "/problems/" and a stable slug
	Title    string       `json:"title"`              // the kind of problem, for people
	Status   int          `json:"status"`             // the HTTP status
	Detail   string       `json:"detail"`             // what is wrong here and what would help
	Instance string       `json:"instance,omitempty"` // the path that was asked for
	Errors   []FieldError `json:"errors,omitempty"`   // each field that is wrong, if fields are

	// RetryAfter is sent as a header; 0 for none.
	RetryAfter time.Duration `json:"-"`
	// Header has further headers to send.
	Header http.Header `json:"-"`
}

// FieldError is what is wrong with one field of a request.
type FieldError struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// NewProblem makes a Problem from its slug.
func NewProblem(status int, slug, title, detail string) Problem {
	return Problem{Type: "/problems/" + slug, Title: title, Status: status, Detail: detail}
}

// Error makes a Problem an error.
func (p Problem) Error() string {
	return fmt.Sprintf("%s (%d): %s", p.Title, p.Status, p.Detail)
}

// SetHeaders sets the headers that go with the problem.
func (p Problem) SetHeaders(header http.Header) {
	maps.Copy(header, p.Header)
	if p.RetryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.RetryAfter.Seconds()))))
	}
}

// WriteProblem answers with a problem. A client that has gone does not hear it.
func WriteProblem(w http.ResponseWriter, r *http.Request, p Problem) {
	p.Instance = r.URL.Path
	body, err := json.Marshal(p)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	for _, name := range []string{"Content-Length", "Content-Encoding", "Content-Disposition", "Etag", "Last-Modified"} {
		w.Header().Del(name) // of the answer that this is sent instead of
	}
	p.SetHeaders(w.Header())
	w.Header().Set("Content-Type", ProblemType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n'))
}

// Internal is the problem of a fault of ours, which says nothing of what it was.
func Internal() Problem {
	return NewProblem(http.StatusInternalServerError, "internal", "Something went wrong on our side",
		"Please try again. If it stays so, tell the operator the X-Request-Id.")
}

// Invalid is the problem of a field that is not as it must be.
func Invalid(field, detail string) Problem {
	p := NewProblem(http.StatusUnprocessableEntity, "invalid", "A value is not allowed", field+": "+detail)
	p.Errors = []FieldError{{Field: field, Detail: detail}}
	return p
}

// Unavailable is the problem of a server that something needs and that is away.
func Unavailable(what string) Problem {
	p := NewProblem(http.StatusServiceUnavailable, "unavailable", "This cannot be done right now",
		what+" cannot be reached. Please try again in a moment.")
	p.RetryAfter = 5 * time.Second
	return p
}
