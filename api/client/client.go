// Package client speaks to a gateway over HTTP. Its requests are generated from the specification; bodies
// go out as they are read, and answers can be streamed or handed to Decode.
package client

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/unreel/unreel/api"
)

//go:generate go tool -modfile=../../tools/go.mod oapi-codegen -config client.cfg.yaml ../openapi.yaml

// maxBody is more than any answer that is not an MP3 has.
const maxBody = 16 << 20

// Error is an answer that refuses or could not do what was asked for.
type Error struct {
	Problem    api.Problem   // Detail is the body if the answer was no problem document
	RequestID  string        // what to quote when asking for help
	RetryAfter time.Duration // when to come back; 0 if the answer does not say
}

// Error is what the service said to people.
func (e *Error) Error() string {
	switch {
	case e.Problem.Detail != "":
		return e.Problem.Detail
	case e.Problem.Title != "":
		return e.Problem.Title
	default:
		return fmt.Sprintf("the service answered %d %s", e.Problem.Status, http.StatusText(e.Problem.Status))
	}
}

// Check returns an *Error, and closes the body, unless the answer is a success. It takes what the client's
// methods return.
func Check(resp *http.Response, err error) (*http.Response, error) {
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, readError(resp)
}

// Decode reads a successful answer's JSON, and otherwise returns what Check does. It closes the body.
func Decode[T any](resp *http.Response, err error) (T, error) {
	var value T
	resp, err = Check(resp, err)
	if err != nil {
		return value, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(&value); err != nil {
		return value, fmt.Errorf("read the service's answer: %w", err)
	}
	return value, nil
}

func readError(resp *http.Response) error {
	e := &Error{RequestID: resp.Header.Get("X-Request-Id")}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.RetryAfter = time.Duration(seconds) * time.Second
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return fmt.Errorf("read the service's answer: %w", err)
	}
	switch media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); media {
	case "application/problem+json":
		if err := json.Unmarshal(body, &e.Problem); err != nil {
			return fmt.Errorf("read the service's answer: %w", err)
		}
	case "text/plain":
		e.Problem.Detail = string(body)
	}
	e.Problem.Status = resp.StatusCode
	return e
}
