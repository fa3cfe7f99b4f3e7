package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/test/harness"
)

// TestUploadInPieces sends a video in pieces to a process that is killed within one of them and started again.
func TestUploadInPieces(t *testing.T) {
	t.Parallel()
	s := harness.StartAlone(t)
	ada := harness.SignUp(t, s.URL, "ada@example.com")
	video := mediatest.Bytes(t, mediatest.Spec{Seconds: 3, Hz: 620})
	upload := ada.Announce(t, len(video), "filename", "Día.mp4", "mono", "true")
	third := len(video) / 3
	ada.Sent(t, upload, 0, video[:third])
	line := startPiece(t, ada, upload, third, len(video)-third)
	line.send(t, video[third:2*third])
	harness.Eventually(t, "the bytes to arrive", func() error { return written(t, s.Process, 2*third) })
	s.Kill(t)
	line.broken(t)
	s.Start(t)
	s.Ready(t)
	ada.LogIn(t)

	offset := ada.Offset(t, upload)
	if offset < third || offset > 2*third {
		t.Errorf("%d bytes are kept, %d were acknowledged and %d sent", offset, third, 2*third)
	}
	if got := ada.Get(t, "/v1/conversions/"+path.Base(upload)); got.Status != http.StatusNotFound {
		t.Errorf("the conversion before the last byte: %s", got)
	}
	ada.Sent(t, upload, offset, video[offset:])
	checkPieces(t, ada, upload, len(video), 620, 1)
	mailAbout(t, s, path.Base(upload))
	if got := s.Blobs(t); got != 2 {
		t.Errorf("%d files are kept, want a video and an MP3", got)
	}
}

// TestUploadAcrossGateways sends pieces to one gateway and another, and goes on at the one when the other dies within a
// piece.
func TestUploadAcrossGateways(t *testing.T) {
	t.Parallel()
	c := harness.StartCluster(t, harness.Shape{Gateways: 2})
	ada := harness.SignUp(t, c.URLs[0], "ada@example.com")
	elsewhere := harness.Stranger(t, c.URLs[1])
	elsewhere.Token = ada.Token
	video := mediatest.Bytes(t, mediatest.Spec{Seconds: 3, Container: "mov", Codec: "pcm_s16le", Hz: 580}) // half a megabyte
	quarter := len(video) / 4
	upload := ada.Announce(t, len(video), "filename", "talk.mov")
	elsewhere.Sent(t, upload, 0, video[:quarter])
	line := startPiece(t, ada, upload, quarter, len(video)-quarter)
	line.send(t, video[quarter:2*quarter])
	harness.Eventually(t, "the bytes to arrive", func() error { return written(t, c.Gateways[0], quarter) })
	if got := elsewhere.Piece(t, upload, quarter, video[quarter:]); got.Status != http.StatusLocked || got.Problem(t) != "upload-locked" {
		t.Errorf("a second piece at once: %s", got)
	}
	// What arrives is kept on the way, so that the other gateway knows of it.
	sent := 2 * quarter
	harness.Eventually(t, "what has arrived to be kept", func() error {
		line.send(t, video[sent:sent+1])
		sent++
		if kept := elsewhere.Offset(t, upload); kept < 2*quarter {
			return fmt.Errorf("%d of %d bytes", kept, 2*quarter)
		}
		return nil
	})
	c.Gateways[0].Kill(t)
	line.broken(t)

	offset := elsewhere.Offset(t, upload)
	harness.Eventually(t, "the dead gateway's claim to end", func() error {
		got := elsewhere.Piece(t, upload, offset, video[offset:])
		if got.Status == http.StatusLocked {
			return fmt.Errorf("still locked")
		}
		if got.Status != http.StatusNoContent {
			t.Fatalf("go on: %s", got)
		}
		return nil
	})
	checkPieces(t, elsewhere, upload, len(video), 580, 2)
}

// checkPieces wants an upload to be complete, and its conversion to sound as it should.
func checkPieces(t *testing.T, u *harness.User, upload string, size int, hz float64, channels int) {
	t.Helper()
	if offset := u.Offset(t, upload); offset != size {
		t.Errorf("offset %d, want %d", offset, size)
	}
	got := u.Settled(t, path.Base(upload))
	if got.Status != conversion.Completed || got.Attempts != 1 || got.Video.Size != int64(size) {
		t.Fatalf("conversion: %+v, %+v", got, got.Error)
	}
	checkTone(t, u.MP3(t, got.ID), hz, 3, channels)
}

// line is a connection on which the body of a PATCH is on its way, byte by byte.
type line struct{ net.Conn }

func startPiece(t *testing.T, u *harness.User, upload string, offset, length int) line {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(u.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	l := line{conn}
	l.send(t, fmt.Appendf(nil, "PATCH %s HTTP/1.1\r\nHost: unreel\r\nAuthorization: Bearer %s\r\nTus-Resumable: 1.0.0\r\n"+
		"Content-Type: application/offset+octet-stream\r\nUpload-Offset: %d\r\nContent-Length: %d\r\n\r\n", upload, u.Token, offset, length))
	return l
}

func (l line) send(t *testing.T, data []byte) {
	t.Helper()
	if _, err := l.Write(data); err != nil {
		t.Fatalf("send: %v", err)
	}
}

// broken wants the request to have got no answer.
func (l line) broken(t *testing.T) {
	t.Helper()
	if answer, _ := io.ReadAll(l); len(answer) > 0 {
		t.Errorf("a piece was answered whose gateway is dead: %s", answer)
	}
}

// written wants a process to have written as many bytes of videos.
func written(t *testing.T, p *harness.Process, want int) error {
	t.Helper()
	response, err := http.Get(p.Admin + "/metrics")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	exposed, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	match := regexp.MustCompile(`unreel_blob_bytes_total{direction="written",kind="videos"} (\S+)`).FindSubmatch(exposed)
	if match == nil {
		return errors.New("none")
	}
	if got, err := strconv.ParseFloat(string(match[1]), 64); err != nil || got < float64(want) {
		return fmt.Errorf("%s of %d bytes, %w", match[1], want, err)
	}
	return nil
}

// TestPieceMemory sends a piece much larger than the memory that this may take.
func TestPieceMemory(t *testing.T) {
	t.Parallel()
	s := harness.StartAlone(t)
	ada := harness.SignUp(t, s.URL, "ada@example.com")
	ada.Settled(t, ada.Upload(t, harness.File(t, mediatest.Text(t))))
	before := s.PeakMemory(t)

	const size = 256 << 20
	upload := ada.Announce(t, size)
	body := io.LimitReader(&repeated{block: bytes.Repeat([]byte("no video"), 1<<17)}, size)
	if got := ada.Tus(t, http.MethodPatch, upload, body, "Upload-Offset", "0"); got.Status != http.StatusNoContent {
		t.Fatalf("send: %s", got)
	}
	if c := ada.Settled(t, path.Base(upload)); c.Video.Size != size || c.Status != conversion.Failed {
		t.Errorf("%d bytes, %s", c.Video.Size, c.Status)
	}
	if grown := s.PeakMemory(t) - before; grown > growth {
		t.Errorf("memory grew by %d bytes, want %d at most", grown, growth)
	}
}

// TestUploadsSpeakTus holds what is said and refused to the specification.
func TestUploadsSpeakTus(t *testing.T) {
	t.Parallel()
	s := harness.StartAlone(t, "UNREEL_MAX_UPLOAD=1MB")
	ada, brendan := harness.SignUp(t, s.URL, "ada@example.com"), harness.SignUp(t, s.URL, "brendan@example.com")
	script := harness.Stranger(t, s.URL)
	script.Token = ada.AddKey(t).Key
	nobody := harness.Stranger(t, s.URL)
	data := bytes.Repeat([]byte("no video "), 100)
	upload := ada.Announce(t, len(data), "filename", "a.mp4")
	script.Sent(t, upload, 0, data[:100])

	described := nobody.Do(t, nobody.Request(t, http.MethodOptions, "/v1/uploads", nil))
	if described.Status != http.StatusNoContent || described.Header.Get("Tus-Max-Size") != "1000000" {
		t.Errorf("options: %s, %v", described, described.Header)
	}
	for name, test := range map[string]struct {
		got    harness.Answer
		status int
		slug   string
	}{
		"of nobody":       {nobody.Tus(t, "POST", "/v1/uploads", nil, "Upload-Length", "1"), 401, "missing-credentials"},
		"too large":       {ada.Tus(t, "POST", "/v1/uploads", nil, "Upload-Length", "1000001"), 413, "too-large"},
		"of no length":    {ada.Tus(t, "POST", "/v1/uploads", nil), 422, "invalid"},
		"a wrong option":  {ada.Tus(t, "POST", "/v1/uploads", nil, "Upload-Length", "1", "Upload-Metadata", "vbr MTA="), 422, "invalid"},
		"another version": {ada.Tus(t, "POST", "/v1/uploads", nil, "Upload-Length", "1", "Tus-Resumable", "0.1"), 412, "tus-version"},
		"another's":       {brendan.Piece(t, upload, 100, data[100:]), 404, "not-found"},
		"another's end":   {brendan.Tus(t, "DELETE", upload, nil), 404, "not-found"},
		"another offset":  {ada.Piece(t, upload, 99, data[99:]), 409, "wrong-offset"},
		"another type":    {ada.Piece(t, upload, 100, data[100:], "Content-Type", "video/mp4"), 415, "unsupported-media-type"},
		"a wrong sum":     {ada.Piece(t, upload, 100, data[100:], "Upload-Checksum", "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0="), 460, "checksum-mismatch"},
		"too many bytes":  {ada.Piece(t, upload, 100, data), 413, "beyond-length"},
	} {
		if test.got.Status != test.status || test.got.Problem(t) != test.slug {
			t.Errorf("%s: got %s, want %d", name, test.got, test.status)
		}
		if test.got.Header.Get("Tus-Resumable") != "1.0.0" {
			t.Errorf("%s: does not say which tus this is", name)
		}
	}
	if got := brendan.Tus(t, "HEAD", upload, nil); got.Status != http.StatusNotFound {
		t.Errorf("another asks for the offset: %s", got)
	}
	if got := ada.Tus(t, "DELETE", upload, nil); got.Status != http.StatusNoContent {
		t.Errorf("terminate: %s", got)
	}
	if got := ada.Tus(t, "HEAD", upload, nil); got.Status != http.StatusNotFound {
		t.Errorf("terminated: %s", got)
	}
	if left := s.Blobs(t); left != 0 {
		t.Errorf("%d files are left", left)
	}
}
