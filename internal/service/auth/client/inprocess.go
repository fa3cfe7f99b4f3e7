package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
)

// InProcess is a transport that serves requests by a handler in the same process, without a socket: where all
// services are one process, that leaves one code path. Bodies stream in both directions, the request's context
// ends the handler's, and closing the response's body does too. A handler must name the Content-Type itself.
func InProcess(handler http.Handler) http.RoundTripper {
	return inProcess{handler}
}

type inProcess struct{ handler http.Handler }

// RoundTrip returns as soon as the handler has sent its header. A handler that panics breaks off its answer, as
// it would on a connection.
func (t inProcess) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(request.Context())
	served := serverRequest(ctx, request)
	reader, pipe := io.Pipe()
	answer := &answer{request: request, header: make(http.Header), pipe: pipe, sent: make(chan struct{})}
	answer.body = &answerBody{reader, cancel}
	unhook := context.AfterFunc(ctx, func() {
		pipe.CloseWithError(ctx.Err())
		served.Body.Close()
	})
	go func() {
		defer cancel()
		defer unhook()
		defer served.Body.Close()
		defer func() { answer.end(ctx, recover()) }()
		t.handler.ServeHTTP(answer, served)
	}()
	select {
	case <-answer.sent:
	case <-ctx.Done():
	}
	if err := request.Context().Err(); err != nil {
		cancel()
		return nil, err
	}
	// The inner context ends with the handler too, but then there is an answer.
	<-answer.sent
	return answer.response, answer.failure
}

// serverRequest is a client's request as a server would see it.
func serverRequest(ctx context.Context, request *http.Request) *http.Request {
	served := request.Clone(ctx)
	served.RequestURI = request.URL.RequestURI()
	served.Proto, served.ProtoMajor, served.ProtoMinor = "HTTP/1.1", 1, 1
	served.URL.Scheme, served.URL.Host = "", ""
	if served.Host == "" {
		served.Host = request.URL.Host
	}
	switch {
	case served.Body == nil:
		served.Body = http.NoBody
	case served.ContentLength == 0 && served.Body != http.NoBody:
		served.ContentLength = -1
	}
	return served
}

// answerBody is a response's body.
type answerBody struct {
	*io.PipeReader

	cancel context.CancelFunc
}

// Close lets the handler know that nobody listens any more.
func (b *answerBody) Close() error {
	err := b.PipeReader.Close()
	b.cancel()
	return err
}

// answer is what the handler writes its answer to.
type answer struct {
	request *http.Request
	header  http.Header
	pipe    *io.PipeWriter
	body    io.ReadCloser

	once     sync.Once
	sent     chan struct{} // closed when one of these is set
	response *http.Response
	failure  error
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter. Interim answers (1xx) are not passed on.
func (a *answer) WriteHeader(status int) {
	if status < http.StatusOK && status != http.StatusSwitchingProtocols {
		return
	}
	a.once.Do(func() {
		length := int64(-1)
		if declared, err := strconv.ParseInt(a.header.Get("Content-Length"), 10, 64); err == nil {
			length = declared
		}
		a.response = &http.Response{
			Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status,
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: a.header.Clone(), Body: a.body, ContentLength: length, Request: a.request,
		}
		close(a.sent)
	})
}

// Write implements http.ResponseWriter. It returns when the bytes have been read.
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	switch {
	case a.response.StatusCode == http.StatusNoContent || a.response.StatusCode == http.StatusNotModified:
		return 0, http.ErrBodyNotAllowed
	case a.request.Method == http.MethodHead:
		return len(p), nil
	}
	return a.pipe.Write(p)
}

// Flush implements http.Flusher: it sends the header.
func (a *answer) Flush() { a.WriteHeader(http.StatusOK) }

// end ends the answer when the handler has returned or panicked. What a handler wrote until its context
// ended is not the whole answer, and must not look like it.
func (a *answer) end(ctx context.Context, panicked any) {
	if panicked == nil {
		a.WriteHeader(http.StatusOK)
		_ = a.pipe.CloseWithError(ctx.Err())
		return
	}
	failure := fmt.Errorf("handler panicked: %v", panicked)
	_ = a.pipe.CloseWithError(failure)
	a.once.Do(func() {
		a.failure = failure
		close(a.sent)
	})
}
