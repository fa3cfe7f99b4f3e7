package gateway

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/service/auth/client"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/ledger"
)

// TestPieceRefused wants an upload to stay where it is when a piece is refused.
func TestPieceRefused(t *testing.T) {
	w := newWorld(t)
	path := w.announce(1000)
	w.patched(path, 0, content[:300])
	other := client.Credentials{Email: "brendan@example.com", Password: "correct horse battery"}
	_, err := w.accounts.SignUp(t.Context(), "127.0.0.1", other)
	w.must(err)
	token, err := w.accounts.Token(t.Context(), "127.0.0.1", other)
	w.must(err)
	foreign := []string{"Authorization", "Bearer " + token}
	stream := func(offset string, more ...string) []string {
		return append([]string{"Content-Type", offsetStream, "Upload-Offset", offset}, more...)
	}
	for name, test := range map[string]struct {
		method, path string
		header       []string
		body         string
		status       int
		slug         string
	}{
		"behind":                  {"PATCH", path, stream("200"), "x", 409, "wrong-offset"},
		"ahead":                   {"PATCH", path, stream("301"), "x", 409, "wrong-offset"},
		"no offset":               {"PATCH", path, []string{"Content-Type", offsetStream}, "x", 422, "invalid"},
		"an offset that is none":  {"PATCH", path, stream("-1"), "x", 422, "invalid"},
		"another type":            {"PATCH", path, []string{"Upload-Offset", "300", "Content-Type", "video/mp4"}, "x", 415, "unsupported-media-type"},
		"more than announced":     {"PATCH", path, stream("300"), strings.Repeat("x", 701), 413, "beyond-length"},
		"another checksum":        {"PATCH", path, stream("300", "Upload-Checksum", sha1Of("y")), "x", 460, "checksum-mismatch"},
		"another version":         {"PATCH", path, stream("300", "Tus-Resumable", "1.1.0"), "x", 412, "tus-version"},
		"somebody else's piece":   {"PATCH", path, stream("300", foreign...), "x", 404, "not-found"},
		"somebody else's end":     {"DELETE", path, foreign, "", 404, "not-found"},
		"nothing":                 {"PATCH", "/v1/uploads/6b033c4259dafd7437a38151", stream("0"), "x", 404, "not-found"},
		"no id":                   {"PATCH", "/v1/uploads/x", stream("0"), "x", 404, "not-found"},
		"a method that is not":    {"GET", path, nil, "", 405, "method-not-allowed"},
		"a method in its place":   {"POST", path, []string{"X-HTTP-Method-Override", "PUT"}, "", 405, "method-not-allowed"},
		"a conversion by a form":  {"DELETE", strings.Replace(w.uploaded(), "conversions", "uploads", 1), nil, "", 404, "not-found"},
		"a piece of a conversion": {"PATCH", strings.Replace(w.uploaded(), "conversions", "uploads", 1), stream("0"), "x", 404, "not-found"},
	} {
		t.Run(name, func(t *testing.T) {
			response, body := w.tus(test.method, test.path, strings.NewReader(test.body), test.header...)
			w.wantProblem(response, body, test.status, test.slug)
			w.wantOffset(path, 300)
		})
	}
	if response, _ := w.tus("HEAD", path, nil, foreign...); response.StatusCode != http.StatusNotFound || response.Header.Get("Upload-Offset") != "" {
		t.Errorf("somebody else asks and is told %d, %v", response.StatusCode, response.Header)
	}
	// A body of unknown length that has too many bytes is no piece of this video.
	response, body := w.tus("PATCH", path, io.MultiReader(bytes.NewReader(make([]byte, 701))), stream("300")...)
	w.wantProblem(response, body, 413, "beyond-length")
	w.patched(path, 300, content[300:1000])
	w.wantWhole(path, content[:1000])
}

func TestChecksums(t *testing.T) {
	w := newWorld(t)
	pieces := [][]byte{content[:100], content[100:300], content[300:1000]}
	sums := [][]byte{sum(sha1.New(), pieces[0]), sum(sha256.New(), pieces[1]), sum(md5.New(), pieces[2])}
	path, at := w.announce(1000), 0
	for i, name := range []string{"sha1", "sha256", "md5"} {
		header := name + " " + base64.StdEncoding.EncodeToString(sums[i])
		response, body := w.patch(path, at, bytes.ToUpper(pieces[i]), "Upload-Checksum", header)
		w.wantProblem(response, body, 460, "checksum-mismatch")
		w.wantOffset(path, at)
		w.patched(path, at, pieces[i], "Upload-Checksum", header)
		at += len(pieces[i])
	}
	w.wantWhole(path, content[:1000])
}

// TestPieceBreaksOff cuts lines within a piece: what came stays, but for a piece with a checksum.
func TestPieceBreaksOff(t *testing.T) {
	w := newWorld(t)
	path := w.announce(len(content))
	conn := w.line(path, 0, len(content), content[:300_000])
	w.must(conn.(*net.TCPConn).CloseWrite()) //nolint:errcheck,forcetypeassert // it is one
	w.eventually("what came to be kept", func() bool { return w.lasting(path) == 300_000 })
	w.eventually("the claim to end", func() bool {
		record, err := w.ledger.Peek(t.Context(), idOf(path))
		return err == nil && record.LeaseUntil.IsZero()
	})
	conn = w.line(path, 300_000, 100, content[300_000:300_050], "Upload-Checksum", sha1Of("x"))
	w.arrives(w.Gateway)
	w.must(conn.Close())
	w.arrivalsEnd()
	w.wantOffset(path, 300_000)
	w.patched(path, 300_000, content[300_000:])
	w.wantWhole(path, content)
}

// TestHeadEndsAPiece asks for the offset while a line that nobody uses any more is still open.
func TestHeadEndsAPiece(t *testing.T) {
	w := newWorld(t)
	path := w.announce(len(content))
	conn := w.line(path, 0, len(content), content[:1000])
	w.arrives(w.Gateway)
	response, _ := w.tus("HEAD", path, nil)
	offset, err := strconv.Atoi(response.Header.Get("Upload-Offset"))
	if err != nil || offset > 1000 {
		t.Fatalf("offset %d, %v", offset, err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 409 ") || !strings.Contains(string(answer), "upload-interrupted") {
		t.Errorf("the old line is told %q, %v", answer, err)
	}
	w.patched(path, offset, content[offset:])
	w.wantWhole(path, content)
}

// TestTwoPiecesAtOnce has two requests send the same piece, with other bytes, to one gateway and to two. One of them is
// told to wait; when the first is not heard of any more, the second goes on where the first was, and the first is refused.
func TestTwoPiecesAtOnce(t *testing.T) {
	w := newWorld(t)
	other := w.make(ledger.DefaultConfig())
	elsewhere := httptest.NewServer(other.Handler())
	defer elsewhere.Close()
	path := w.announce(len(content))
	first := w.line(path, 0, len(content), bytes.ToUpper(content[:1000]))
	w.arrives(w.Gateway)
	response, body := w.patch(path, 0, content)
	w.wantProblem(response, body, 423, "upload-locked")
	if response.Header.Get("Retry-After") == "" {
		t.Error("does not say when to come again")
	}
	here := w.server
	w.server = elsewhere
	response, body = w.patch(path, 0, content)
	w.wantProblem(response, body, 423, "upload-locked")

	w.db.Advance(time.Minute)
	w.patched(path, 0, content[:2000])
	_, err := first.Write(bytes.ToUpper(content[1000:]))
	w.must(err)
	head := make([]byte, len("HTTP/1.1 409 "))
	if _, err := io.ReadFull(first, head); err != nil || string(head) != "HTTP/1.1 409 " {
		t.Errorf("the first is told %q, %v", head, err)
	}
	w.patched(path, 2000, content[2000:])
	w.wantWhole(path, content)
	w.server = here
	w.wantWhole(path, content)
}

// TestSavedOnTheWay keeps what has come while more is coming, for the case that the gateway dies.
func TestSavedOnTheWay(t *testing.T) {
	w := newWorld(t)
	config := ledger.DefaultConfig()
	config.PieceLease = 0
	hasty := w.make(config)
	server := httptest.NewServer(hasty.Handler())
	defer server.Close()
	path := w.announce(len(content))
	conn := w.lineTo(server, path, 0, len(content), content[:300_000])
	w.eventually("what came to be kept", func() bool { return w.lasting(path) == 300_000 })
	// Another gateway goes on from there, as after a crash of the first.
	w.patched(path, 300_000, content[300_000:])
	w.wantWhole(path, content)
	w.must(conn.Close())
}

func TestStopEndsPieces(t *testing.T) {
	w := newWorld(t)
	path := w.announce(len(content))
	w.line(path, 0, len(content), content[:1000])
	w.arrives(w.Gateway)
	w.stop()
	w.arrivalsEnd()
	record, err := w.ledger.Peek(t.Context(), idOf(path))
	if err != nil || !record.LeaseUntil.IsZero() {
		t.Errorf("%+v, %v", record, err)
	}
}

// TestPieceFaults wants whoever sends a piece to be told whose turn it is, and to be able to go on when it is over.
func TestPieceFaults(t *testing.T) {
	for name, test := range map[string]struct {
		spoil  func(w *world)
		status int
		slug   string
	}{
		"no room at first":           {func(w *world) { w.faults.create = blob.ErrFull }, 507, "full"},
		"no room on the way":         {func(w *world) { w.faults.write = blob.ErrFull }, 507, "full"},
		"no room at the end":         {func(w *world) { w.faults.commit = blob.ErrFull }, 507, "full"},
		"a fault of ours":            {func(w *world) { w.faults.commit = io.ErrUnexpectedEOF }, 500, "internal"},
		"ledger away at last":        {func(w *world) { w.faults.committed = func() { w.records.set(true) } }, 503, "unavailable"},
		"given up at last":           {func(w *world) { w.faults.committed = func() { w.db.Advance(time.Minute); w.takeOver() } }, 409, "upload-interrupted"},
		"as many uploads as fit":     {func(w *world) { w.leave = w.occupy("somebody else", 7); w.occupy("another", 1) }, 503, "busy"},
		"ledger away from the first": {func(w *world) { w.records.set(true) }, 503, "unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			path := w.announce(len(content))
			w.patched(path, 0, content[:1000])
			w.faults.last = idOf(path)
			test.spoil(w)
			response, body := w.patch(path, 1000, content[1000:])
			w.wantProblem(response, body, test.status, test.slug)
			w.faults.create, w.faults.write, w.faults.commit, w.faults.committed = nil, nil, nil, nil
			w.records.set(false)
			if w.leave != nil {
				w.leave()
			}
			w.db.Advance(time.Minute) // what could not be told to the ledger
			w.wantOffset(path, 1000)
			w.patched(path, 1000, content[1000:])
			w.wantWhole(path, content)
		})
	}
}

// TestLostBytes restores a ledger without its blobs, so to say.
func TestLostBytes(t *testing.T) {
	w := newWorld(t)
	path := w.announce(len(content))
	w.patched(path, 0, content[:1000])
	w.must(w.disk.Delete(t.Context(), blob.Video, idOf(path)))
	response, body := w.patch(path, 1000, content[1000:])
	w.wantProblem(response, body, 404, "not-found")
	w.wantNothing()
}
