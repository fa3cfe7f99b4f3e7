package gateway

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/blob"
)

// tus sends a request of Ada's as tus has it.
func (w *world) tus(method, path string, body io.Reader, header ...string) (*http.Response, []byte) {
	w.Helper()
	response, raw := w.do(method, path, body, append([]string{"Tus-Resumable", "1.0.0"}, header...)...)
	if got := response.Header.Get("Tus-Resumable"); got != "1.0.0" {
		w.Errorf("%s %s: Tus-Resumable %q", method, path, got)
	}
	return response, raw
}

// announce begins an upload of this many bytes and returns its path.
func (w *world) announce(length int, header ...string) string {
	w.Helper()
	response, body := w.tus("POST", "/v1/uploads", nil, append(header, "Upload-Length", strconv.Itoa(length))...)
	if response.StatusCode != http.StatusCreated {
		w.Fatalf("create: %d %s", response.StatusCode, body)
	}
	return response.Header.Get("Location")
}

// patch sends bytes at an offset.
func (w *world) patch(path string, offset int, data []byte, header ...string) (*http.Response, []byte) {
	w.Helper()
	return w.tus("PATCH", path, bytes.NewReader(data),
		append([]string{"Content-Type", offsetStream, "Upload-Offset", strconv.Itoa(offset)}, header...)...)
}

// patched is patch of what is taken.
func (w *world) patched(path string, offset int, data []byte, header ...string) {
	w.Helper()
	response, body := w.patch(path, offset, data, header...)
	if want := strconv.Itoa(offset + len(data)); response.StatusCode != http.StatusNoContent || response.Header.Get("Upload-Offset") != want {
		w.Fatalf("patch: %d %s, offset %s, want %s", response.StatusCode, body, response.Header.Get("Upload-Offset"), want)
	}
}

// wantOffset asks how far an upload has come.
func (w *world) wantOffset(path string, want int) {
	w.Helper()
	response, _ := w.tus("HEAD", path, nil)
	if got := response.Header.Get("Upload-Offset"); response.StatusCode != http.StatusOK || got != strconv.Itoa(want) {
		w.Errorf("head: %d, offset %s, want %d", response.StatusCode, got, want)
	}
}

// wantWhole wants a conversion that is queued, with a video of these bytes.
func (w *world) wantWhole(path string, want []byte) {
	w.Helper()
	id := idOf(path)
	record, err := w.ledger.Get(w.Context(), w.ada.UserID, id)
	w.must(err)
	digest := sha256.Sum256(want)
	if record.Status != conversion.Queued || record.Video.Size != int64(len(want)) || record.Video.SHA256 != hex.EncodeToString(digest[:]) {
		w.Errorf("conversion: %+v", record)
	}
	file, err := w.disk.Path(blob.Video, id)
	w.must(err)
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
		w.Errorf("%d bytes are stored, %v, that are not the %d that were sent", len(got), err, len(want))
	}
	w.wantOffset(path, len(want))
}

func idOf(path string) conversion.ID { return conversion.ID(strings.TrimPrefix(path, "/v1/uploads/")) }

// wantNothing wants no record that is not a tombstone, and no bytes.
func (w *world) wantNothing() {
	w.Helper()
	var left int
	w.must(w.db.QueryRow(w.Context(), "SELECT COUNT(*) FROM conversions WHERE status <> 'deleted'", nil, &left))
	if stored := w.videos(); left != 0 || len(stored) != 0 {
		w.Errorf("%d records and %v are left", left, stored)
	}
}

func encoded(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func sha1Of(text string) string {
	sum := sha1.Sum([]byte(text))
	return "sha1 " + base64.StdEncoding.EncodeToString(sum[:])
}

// uploaded is the path of a conversion that came by a form.
func (w *world) uploaded() string {
	w.Helper()
	response, _ := w.upload(content)
	return response.Header.Get("Location")
}

func sum(digest io.Writer, data []byte) []byte {
	_, _ = digest.Write(data)
	return digest.(interface{ Sum([]byte) []byte }).Sum(nil) //nolint:errcheck,forcetypeassert // all of them have it
}

// line sends the head of a PATCH and some of its body, by hand.
func (w *world) line(path string, offset, length int, data []byte, header ...string) net.Conn {
	w.Helper()
	return w.lineTo(w.server, path, offset, length, data, header...)
}

func (w *world) lineTo(server *httptest.Server, path string, offset, length int, data []byte, header ...string) net.Conn {
	w.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	w.must(err)
	w.Cleanup(func() { conn.Close() })
	head := fmt.Sprintf("PATCH %s HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nUpload-Offset: %d\r\nContent-Length: %d\r\n",
		path, w.token, offsetStream, offset, length)
	for i := 0; i < len(header); i += 2 {
		head += header[i] + ": " + header[i+1] + "\r\n"
	}
	_, err = conn.Write(append([]byte(head+"\r\n"), data...))
	w.must(err)
	return conn
}

// arrives waits until a piece is arriving at a gateway.
func (w *world) arrives(at *Gateway) {
	w.Helper()
	w.eventually("the piece to arrive", func() bool {
		at.arrivals.mutex.Lock()
		defer at.arrivals.mutex.Unlock()
		return len(at.arrivals.running) == 1
	})
}

// lasting is how many bytes the ledger says to last.
func (w *world) lasting(path string) int {
	w.Helper()
	record, err := w.ledger.Peek(w.Context(), idOf(path))
	w.must(err)
	return int(record.Pieces.Offset)
}

// arrivalsEnd waits until no piece is arriving any more.
func (w *world) arrivalsEnd() {
	w.Helper()
	w.eventually("pieces to end", func() bool {
		w.arrivals.mutex.Lock()
		defer w.arrivals.mutex.Unlock()
		w.places.mu.Lock()
		defer w.places.mu.Unlock()
		return len(w.arrivals.running) == 0 && w.places.sum == 0
	})
}

// takeOver claims the next piece as another gateway does.
func (w *world) takeOver() {
	claim, err := w.ledger.ClaimPiece(w.Context(), w.ada.UserID, w.faults.last, 1000)
	w.must(err)
	_, err = w.ledger.EndPiece(w.Context(), claim.ID, claim.Fence, claim.Pieces.Arrived)
	w.must(err)
}
