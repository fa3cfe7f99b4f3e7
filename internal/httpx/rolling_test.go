package httpx_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unreel/unreel/internal/httpx"
)

const patience = time.Minute

// pipe is a listener for one connection in memory, whose time is that of a synctest bubble.
type pipe struct {
	conns  chan net.Conn
	closed context.Context
}

func (p pipe) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed.Done():
		return nil, net.ErrClosed
	}
}
func (pipe) Close() error   { return nil }
func (pipe) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// connect serves a handler as internal/app does, without deadlines for whole bodies, and returns the client's end.
func connect(t *testing.T, handler http.HandlerFunc) net.Conn {
	closed, stop := context.WithCancel(context.Background())
	client, server := net.Pipe()
	listener := pipe{make(chan net.Conn, 1), closed}
	listener.conns <- server
	web := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = web.Serve(listener)
	}()
	t.Cleanup(func() {
		client.Close()
		stop()
		web.Close()
		<-done
	})
	return client
}

func send(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

func TestSlowUploadIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := connect(t, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(httpx.NewRollingReader(w, r, patience))
			// What is done with the body may take longer than its last piece might have. That net/http
			// takes the deadline away once it has all is not in its documentation.
			select {
			case <-r.Context().Done():
				err = r.Context().Err()
			case <-time.After(2 * patience):
			}
			fmt.Fprintf(w, "%s %v", body, err)
		})
		send(t, conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
		for range 10 {
			time.Sleep(patience - time.Second) //nolint:forbidigo // the bubble's time
			send(t, conn, "a")
		}
		if got := answer(t, bufio.NewReader(conn)); got != "aaaaaaaaaa <nil>" {
			t.Errorf("got %q", got)
		}
	})
}

func TestStalledUploadIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cut := make(chan error, 1)
		began := time.Now()
		conn := connect(t, func(w http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(httpx.NewRollingReader(w, r, patience))
			cut <- err
		})
		send(t, conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
		if err := <-cut; !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != patience {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
	})
}

func TestStalledDownloadIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cut := make(chan error, 1)
		conn := connect(t, func(w http.ResponseWriter, _ *http.Request) {
			_, err := io.Copy(httpx.NewRollingWriter(w, patience), strings.NewReader(strings.Repeat("x", 1<<20)))
			cut <- err
		})
		send(t, conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		began := time.Now()
		if err := <-cut; !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != patience {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
	})
}

// TestDeadlineEndsWithItsRequest uses a connection again after longer than the last answer might have taken. That
// net/http takes the deadline away is not in its documentation.
func TestDeadlineEndsWithItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := connect(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/rolling" {
				w = httpx.NewRollingWriter(w, patience)
			}
			_, _ = io.WriteString(w, r.URL.Path)
		})
		reader := bufio.NewReader(conn)
		for _, path := range []string{"/rolling", "/plain", "/rolling"} {
			send(t, conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
			if got := answer(t, reader); got != path {
				t.Fatalf("%s: got %q", path, got)
			}
			time.Sleep(patience + time.Second) //nolint:forbidigo // the bubble's time
		}
	})
}

func answer(t *testing.T, reader *bufio.Reader) string {
	t.Helper()
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestWithoutAConnection serves a request in the process, where there are no deadlines to set.
func TestWithoutAConnection(t *testing.T) {
	recorder := httptest.NewRecorder()
	out := httpx.NewRollingWriter(recorder, patience)
	in := httpx.NewRollingReader(recorder, httptest.NewRequest("POST", "/", strings.NewReader("echo")), patience)
	if _, err := io.Copy(out, in); err != nil || recorder.Body.String() != "echo" {
		t.Errorf("got %q, %v", recorder.Body, err)
	}
	if err := out.Flush(); err != nil || !recorder.Flushed {
		t.Errorf("not flushed: %v", err)
	}
}

// TestStoppedUpload has somebody else end the reading of a body whose line is silent; the answer can still be sent.
func TestStoppedUpload(t *testing.T) {
	readers := make(chan *httpx.RollingReader, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reader := httpx.NewRollingReader(w, r, patience)
		readers <- reader
		body, err := io.ReadAll(reader)
		_, again := reader.Read(make([]byte, 1))
		fmt.Fprintf(w, "%s %v %v %v", body, reader.Stopped(), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(again, os.ErrDeadlineExceeded))
	}))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	send(t, conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
	reader := <-readers
	if reader.Stopped() {
		t.Error("stopped by nobody")
	}
	reader.Stop()
	if got := answer(t, bufio.NewReader(conn)); got != " true true true" {
		t.Errorf("got %q", got)
	}
}
