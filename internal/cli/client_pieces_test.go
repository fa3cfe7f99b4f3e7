package cli

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tusServer takes one video in pieces, as a gateway does that keeps what comes of a piece that breaks off.
type tusServer struct {
	*testing.T

	video    []byte
	metadata []string
	created  int
	pieces   int
	limit    func(piece int) int64 // how many bytes of a piece come through; less than 0 for all
	gone     bool                  // the upload has expired
}

func (s *tusServer) routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"POST /v1/uploads":         s.create,
		"HEAD /v1/uploads/{id}":    s.head,
		"PATCH /v1/uploads/{id}":   s.patch,
		"GET /v1/conversions/{id}": answer(http.StatusOK, queued(testID, "large.mp4")),
	}
}

func (s *tusServer) create(w http.ResponseWriter, r *http.Request) {
	s.created++
	s.video, s.gone = nil, false
	s.metadata = append(s.metadata, r.Header.Get("Upload-Metadata"))
	if r.Header.Get("Tus-Resumable") != "1.0.0" || r.Header.Get("Authorization") != "Bearer "+testToken {
		s.Errorf("headers: %v", r.Header)
	}
	w.Header().Set("Location", "/v1/uploads/"+testID)
	w.WriteHeader(http.StatusCreated)
}

func (s *tusServer) head(w http.ResponseWriter, _ *http.Request) {
	if s.gone {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Upload-Offset", strconv.Itoa(len(s.video)))
	w.Header().Set("Upload-Length", strconv.Itoa(large))
}

func (s *tusServer) patch(w http.ResponseWriter, r *http.Request) {
	s.pieces++
	if offset := r.Header.Get("Upload-Offset"); offset != strconv.Itoa(len(s.video)) || r.Header.Get("Content-Type") != offsetStream {
		s.Errorf("headers: %v, want offset %d", r.Header, len(s.video))
	}
	body := io.Reader(r.Body)
	if limit := s.limit(s.pieces); limit >= 0 {
		body = io.LimitReader(body, limit)
		defer panic(http.ErrAbortHandler)
	}
	came, _ := io.ReadAll(body)
	s.video = append(s.video, came...)
	w.Header().Set("Upload-Offset", strconv.Itoa(len(s.video)))
	w.WriteHeader(http.StatusNoContent)
}

const large = worthPieces + 5

func largeVideo(t *testing.T) []byte {
	t.Helper()
	video := bytes.Repeat([]byte("a large video. "), large/15+1)[:large]
	writeFile(t, "large.mp4", string(video))
	return video
}

func all(int) int64 { return -1 }

func TestUploadInPieces(t *testing.T) {
	s := &tusServer{T: t, limit: all}
	server := fakeGateway(t, s.routes())
	loggedIn(t, server.URL)
	video := largeVideo(t)
	ran := run(t, "upload", "--vbr", "4", "--title", "Día", "large.mp4")
	ran.expect(t, exitDone)
	if ran.out != testID+"  queued  large.mp4\n" || ran.err != "" {
		t.Errorf("printed %q and %q", ran.out, ran.err)
	}
	encoded := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	want := []string{"filename " + encoded("large.mp4") + ",title " + encoded("Día") + ",vbr " + encoded("4")}
	if diff := cmp.Diff(want, s.metadata); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	if !bytes.Equal(s.video, video) || s.pieces != 1 {
		t.Errorf("%d bytes arrived in %d pieces", len(s.video), s.pieces)
	}
	s.wantNotes(0)
}

// wantNotes counts the unfinished uploads that are remembered.
func (s *tusServer) wantNotes(want int) {
	s.Helper()
	notes, err := filepath.Glob(filepath.Join(os.Getenv("XDG_CONFIG_HOME"), "unreel", "uploads", "*"))
	if err != nil || len(notes) != want {
		s.Errorf("remembered: %v, %v, want %d", notes, err, want)
	}
}

// TestUploadGoesOn breaks the line again and again: as long as something arrives, that is no reason to give up.
func TestUploadGoesOn(t *testing.T) {
	const piece = large / 12
	for name, test := range map[string]struct {
		limit  func(int) int64
		fails  bool
		pieces int
	}{
		"while something arrives":      {func(n int) int64 { return map[bool]int64{true: piece, false: -1}[n <= 11] }, false, 12},
		"until nothing arrives":        {func(n int) int64 { return map[bool]int64{true: piece, false: 0}[n == 1] }, true, 9},
		"when the last answer is lost": {func(int) int64 { return large }, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := &tusServer{T: t, limit: test.limit}
			server := fakeGateway(t, s.routes())
			loggedIn(t, server.URL)
			video := largeVideo(t)
			_, err := send(t, server.URL, "large.mp4")
			if (err != nil) != test.fails || s.pieces != test.pieces || s.created != 1 {
				t.Errorf("%v after %d pieces, %d uploads", err, s.pieces, s.created)
			}
			if !test.fails && !bytes.Equal(s.video, video) {
				t.Errorf("%d bytes arrived", len(s.video))
			}
		})
	}
}

// TestUploadGoesOnLater runs the command again after it was interrupted: for the same file and options it goes on, for
// others it begins anew, and so it does when the server has forgotten.
func TestUploadGoesOnLater(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(s *tusServer)
		options []string
		created int
	}{
		"the same":      {func(*tusServer) {}, nil, 1},
		"other options": {func(*tusServer) {}, []string{"--mono"}, 2},
		"another file":  {func(s *tusServer) { largeVideo(s.T) }, nil, 2},
		"too late":      {func(s *tusServer) { s.gone = true }, nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			s := &tusServer{T: t, limit: func(piece int) int64 {
				if piece == 1 {
					cancel()
					return 1000
				}
				return -1
			}}
			server := fakeGateway(t, s.routes())
			loggedIn(t, server.URL)
			largeVideo(t)
			runWith(ctx, "", "upload", "large.mp4").expect(t, exitInterrupted)
			s.wantNotes(1)
			test.change(s)
			run(t, append([]string{"upload", "large.mp4"}, test.options...)...).expect(t, exitDone)
			if s.created != test.created || len(s.video) != large {
				t.Errorf("%d uploads, %d bytes arrived", s.created, len(s.video))
			}
		})
	}
}

// TestUploadWithoutPieces sends a large video to a server of before.
func TestUploadWithoutPieces(t *testing.T) {
	var got received
	server := fakeGateway(t, map[string]http.HandlerFunc{
		"POST /v1/uploads": refuse(http.StatusNotFound, "no-such-route", "There is nothing here."),
		"POST /v1/conversions": func(w http.ResponseWriter, r *http.Request) {
			got = receive(t, r)
			answer(http.StatusAccepted, queued(testID, "large.mp4"))(w, r)
		},
	})
	loggedIn(t, server.URL)
	video := largeVideo(t)
	run(t, "upload", "large.mp4").expect(t, exitDone)
	if got.Video != string(video) {
		t.Errorf("%d bytes arrived", len(got.Video))
	}
}

func TestUploadInPiecesIsRefused(t *testing.T) {
	server := fakeGateway(t, map[string]http.HandlerFunc{
		"POST /v1/uploads": refuse(http.StatusRequestEntityTooLarge, "too-large", "A video may have at most 1 MiB."),
	})
	loggedIn(t, server.URL)
	largeVideo(t)
	ran := run(t, "upload", "large.mp4")
	ran.expect(t, exitFailed, "large.mp4: A video may have at most 1 MiB.")
	if strings.Contains(ran.err, "going on") {
		t.Errorf("tried again: %q", ran.err)
	}
}
