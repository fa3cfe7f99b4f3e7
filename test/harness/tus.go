package harness

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// Tus sends a request as tus has it, with headers as names and values in turn.
func (u *User) Tus(t testing.TB, method, path string, body io.Reader, headers ...string) Answer {
	t.Helper()
	return u.Do(t, u.TusRequest(t, method, path, body, headers...))
}

// TusRequest is the request that Tus sends.
func (u *User) TusRequest(t testing.TB, method, path string, body io.Reader, headers ...string) *http.Request {
	t.Helper()
	request := u.Request(t, method, path, body)
	request.Header.Set("Tus-Resumable", "1.0.0")
	if method == http.MethodPatch {
		request.Header.Set("Content-Type", "application/offset+octet-stream")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	return request
}

// Announce begins an upload in pieces, with metadata as keys and values in turn, and returns its path.
func (u *User) Announce(t testing.TB, length int, metadata ...string) string {
	t.Helper()
	var pairs []string
	for i := 0; i < len(metadata); i += 2 {
		pairs = append(pairs, metadata[i]+" "+base64.StdEncoding.EncodeToString([]byte(metadata[i+1])))
	}
	got := u.Tus(t, http.MethodPost, "/v1/uploads", nil, "Upload-Length", strconv.Itoa(length), "Upload-Metadata", strings.Join(pairs, ","))
	if got.Status != http.StatusCreated {
		t.Fatalf("begin an upload: %s", got)
	}
	return got.Header.Get("Location")
}

// Offset is how far an upload has come.
func (u *User) Offset(t testing.TB, path string) int {
	t.Helper()
	got := u.Tus(t, http.MethodHead, path, nil)
	offset, err := strconv.Atoi(got.Header.Get("Upload-Offset"))
	if err != nil || got.Status != http.StatusOK {
		t.Fatalf("offset of %s: %s, %v", path, got, err)
	}
	return offset
}

// Piece sends bytes at an offset.
func (u *User) Piece(t testing.TB, path string, offset int, data []byte, headers ...string) Answer {
	t.Helper()
	return u.Tus(t, http.MethodPatch, path, bytes.NewReader(data), append(headers, "Upload-Offset", strconv.Itoa(offset))...)
}

// Sent sends bytes that are taken.
func (u *User) Sent(t testing.TB, path string, offset int, data []byte) {
	t.Helper()
	if got := u.Piece(t, path, offset, data); got.Status != http.StatusNoContent {
		t.Fatalf("send %d bytes at %d: %s", len(data), offset, got)
	}
}
