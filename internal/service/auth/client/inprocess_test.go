package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/unreel/unreel/internal/service/auth/client"
)

func inProcess(handler http.HandlerFunc) *http.Client {
	return &http.Client{Transport: client.InProcess(handler)}
}

func request(t *testing.T, method string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://auth/path?q=1", body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func do(t *testing.T, c *http.Client, r *http.Request) *http.Response {
	t.Helper()
	response, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

func TestInProcessRequest(t *testing.T) {
	c := inProcess(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != "hello" || r.RequestURI != "/path?q=1" || r.Host != "auth" || r.URL.Host != "" || r.ContentLength != 5 {
			t.Errorf("got %q, %v, %+v", body, err, r)
		}
		w.Header().Set("X-Before", "1")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusTeapot)
		w.Header().Set("X-After", "1")
		_, _ = io.WriteString(w, "short")
	})
	response := do(t, c, request(t, "POST", strings.NewReader("hello")))
	body, err := io.ReadAll(response.Body)
	if err != nil || string(body) != "short" || response.StatusCode != http.StatusTeapot ||
		response.Header.Get("X-Before") != "1" || response.Header.Get("X-After") != "" {
		t.Errorf("got %q, %v, %+v", body, err, response)
	}
}

func TestInProcessWithoutBody(t *testing.T) {
	for method, handler := range map[string]http.HandlerFunc{
		"GET":    func(http.ResponseWriter, *http.Request) {},
		"HEAD":   func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "unseen") },
		"DELETE": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204); _, _ = io.WriteString(w, "unseen") },
	} {
		response := do(t, inProcess(handler), request(t, method, http.NoBody))
		if body, err := io.ReadAll(response.Body); err != nil || len(body) != 0 || response.StatusCode/100 != 2 {
			t.Errorf("%s: got %q, %v, %s", method, body, err, response.Status)
		}
	}
}

// TestInProcessStreams passes single bytes to and fro, which a buffer anywhere would keep back.
func TestInProcessStreams(t *testing.T) {
	c := inProcess(func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		if _, err := io.Copy(w, r.Body); err != nil {
			t.Error(err)
		}
	})
	reader, writer := io.Pipe()
	response := do(t, c, request(t, "POST", reader))
	for _, letter := range "stream" {
		if _, err := io.WriteString(writer, string(letter)); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 1)
		if _, err := io.ReadFull(response.Body, got); err != nil || string(got) != string(letter) {
			t.Fatalf("got %q, %v, want %q", got, err, letter)
		}
	}
	writer.Close()
	if rest, err := io.ReadAll(response.Body); err != nil || len(rest) != 0 {
		t.Errorf("got %q, %v", rest, err)
	}
}

func TestInProcessCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c := inProcess(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "begun")
			<-r.Context().Done()
		})
		response := do(t, c, request(t, "GET", http.NoBody).WithContext(ctx))
		if _, err := io.ReadFull(response.Body, make([]byte, 5)); err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := response.Body.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	})
}

// TestInProcessUploadCanceled ends a handler that waits for a body that does not come.
func TestInProcessUploadCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		c := inProcess(func(_ http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(r.Body)
			ended <- err
		})
		ctx, cancel := context.WithCancel(t.Context())
		reader, _ := io.Pipe()
		go func() {
			synctest.Wait()
			cancel()
		}()
		if _, err := c.Do(request(t, "POST", reader).WithContext(ctx)); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
		if err := <-ended; err == nil {
			t.Error("the handler read a body to its end that has none")
		}
	})
}

func TestInProcessBodyClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		c := inProcess(func(w http.ResponseWriter, r *http.Request) {
			var err error
			for err == nil {
				_, err = io.WriteString(w, "endless")
			}
			<-r.Context().Done()
			ended <- err
		})
		response := do(t, c, request(t, "GET", http.NoBody))
		if err := response.Body.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; err == nil {
			t.Error("the handler was not told")
		}
	})
}

func TestInProcessPanic(t *testing.T) {
	early := inProcess(func(http.ResponseWriter, *http.Request) { panic("early") })
	if _, err := early.Do(request(t, "GET", http.NoBody)); err == nil || !strings.Contains(err.Error(), "early") {
		t.Errorf("got %v", err)
	}
	late := inProcess(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		panic(http.ErrAbortHandler)
	})
	response := do(t, late, request(t, "GET", http.NoBody))
	if body, err := io.ReadAll(response.Body); err == nil || string(body) != "half" {
		t.Errorf("got %q, %v", body, err)
	}
}
