package cli

import (
	"context"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
)

// received is an upload as a server sees it.
type received struct {
	Fields []formField
	Name   string
	Video  string
}

func receive(t *testing.T, r *http.Request) (got received) {
	t.Helper()
	form, err := r.MultipartReader()
	if err != nil {
		t.Error(err)
		return got
	}
	for {
		part, err := form.NextPart()
		if err == io.EOF {
			return got
		}
		if err != nil {
			t.Error(err)
			return got
		}
		got.add(t, part)
	}
}

func (got *received) add(t *testing.T, part *multipart.Part) {
	content, err := io.ReadAll(part)
	if err != nil {
		t.Error(err)
	}
	if part.FileName() == "" {
		if got.Name != "" {
			t.Errorf("%s comes behind the file", part.FormName())
		}
		got.Fields = append(got.Fields, formField{part.FormName(), string(content)})
		return
	}
	got.Name, got.Video = part.FileName(), string(content)
}

func TestUploadSendsVideosAndOptions(t *testing.T) {
	var got []received
	keys := map[string]bool{}
	server := fakeGateway(t, map[string]http.HandlerFunc{
		"POST /v1/conversions": func(w http.ResponseWriter, r *http.Request) {
			if r.ContentLength <= 0 {
				t.Error("the length is not known beforehand")
			}
			if auth := r.Header.Get("Authorization"); auth != "Bearer "+testToken {
				t.Errorf("sent %q", auth)
			}
			keys[r.Header.Get("Idempotency-Key")] = true
			one := receive(t, r)
			got = append(got, one)
			answer(http.StatusAccepted, queued(testID, one.Name))(w, r)
		},
	})
	loggedIn(t, server.URL)
	writeFile(t, "talk \"ü\".mp4", "video 1")
	writeFile(t, "empty.mp4", "")
	ran := run(t, "upload", "talk \"ü\".mp4", "empty.mp4", "--bitrate", "192", "--mono", "--sample-rate=44100", "--start", "1:02.5",
		"--end", "01:02:03", "--track", "2", "--loudness", "-16", "--title", "A & B", "--year", "1999")
	ran.expect(t, exitDone)
	fields := []formField{
		{"bitrate", "192"},
		{"end", "3723"},
		{"loudness", "-16"},
		{"mono", "true"},
		{"sample_rate", "44100"},
		{"start", "62.5"},
		{"title", "A & B"},
		{"track", "2"},
		{"year", "1999"},
	}
	want := []received{{fields, "talk \"ü\".mp4", "video 1"}, {fields, "empty.mp4", ""}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(formField{})); diff != "" {
		t.Error(diff)
	}
	if len(keys) != 2 || keys[""] {
		t.Errorf("keys %v", keys)
	}
	if want := testID + "  queued  talk \"ü\".mp4\n" + testID + "  queued  empty.mp4\n"; ran.out != want {
		t.Errorf("printed %q, want %q", ran.out, want)
	}
	if ran.err != "" {
		t.Errorf("no terminal, but stderr has %q", ran.err)
	}
}

func TestUploadPrintsJSON(t *testing.T) {
	server := fakeGateway(t, map[string]http.HandlerFunc{
		"POST /v1/conversions": answer(http.StatusAccepted, queued(testID, "a.mp4")),
	})
	loggedIn(t, server.URL)
	writeFile(t, "a.mp4", "video")
	ran := run(t, "upload", "--json", "a.mp4", "a.mp4")
	ran.expect(t, exitDone)
	lines := strings.Split(strings.TrimSpace(ran.out), "\n")
	if len(lines) != 2 {
		t.Fatalf("printed %q", ran.out)
	}
	for _, line := range lines {
		var one api.Conversion
		if err := json.Unmarshal([]byte(line), &one); err != nil || one.ID != testID || one.Status != conversion.Queued {
			t.Errorf("%q: %v", line, err)
		}
	}
}

// breakOff ends the connection in the middle of an upload, without an answer.
func breakOff(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.CopyN(io.Discard, r.Body, 1000)
	panic(http.ErrAbortHandler)
}

func later(status int, slug string, seconds int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		refuse(status, slug, "Not now.")(w, r)
	}
}

func TestUploadTriesAgain(t *testing.T) {
	tests := []struct {
		name     string
		answers  []http.HandlerFunc // nil: accept
		attempts int
		code     int
	}{
		{"after a broken connection", []http.HandlerFunc{breakOff, nil}, 2, exitDone},
		{"when busy", []http.HandlerFunc{later(503, "busy", 0), nil}, 2, exitDone},
		{"while the first attempt is in hand", []http.HandlerFunc{breakOff, later(409, "in-progress", 0), nil}, 3, exitDone},
		{"twice at most", []http.HandlerFunc{breakOff, breakOff, breakOff, nil}, 3, exitFailed},
		{"not for hours", []http.HandlerFunc{later(503, "busy", 7200), nil}, 1, exitFailed},
		{"not what will be refused again", []http.HandlerFunc{refuse(422, "invalid", "vbr: no"), nil}, 1, exitFailed},
		{"not what does not fit", []http.HandlerFunc{refuse(507, "full", "The disk is full."), nil}, 1, exitFailed},
		{"not another conflict", []http.HandlerFunc{refuse(409, "conflict", "No."), nil}, 1, exitFailed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			attempts := 0
			keys := map[string]bool{}
			video := strings.Repeat("video", 100_000)
			server := fakeGateway(t, map[string]http.HandlerFunc{
				"POST /v1/conversions": func(w http.ResponseWriter, r *http.Request) {
					attempts++
					keys[r.Header.Get("Idempotency-Key")] = true
					if refusal := test.answers[attempts-1]; refusal != nil {
						refusal(w, r)
						return
					}
					if got := receive(t, r); got.Video != video {
						t.Errorf("%d bytes arrived", len(got.Video))
					}
					answer(http.StatusAccepted, queued(testID, "a.mp4"))(w, r)
				},
			})
			loggedIn(t, server.URL)
			writeFile(t, "a.mp4", video)
			code := exitDone
			if _, err := send(t, server.URL, "a.mp4"); err != nil {
				code = exitFailed
			}
			if attempts != test.attempts || code != test.code || len(keys) != 1 {
				t.Errorf("%d attempts, code %d, keys %v", attempts, code, keys)
			}
		})
	}
}

// send sends as the command does, but does not wait between attempts.
func send(t *testing.T, server, path string) (api.Conversion, error) {
	t.Helper()
	r, err := newRemote(session{Server: server, Email: testEmail, Token: testToken})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s := newSender(r, &IO{Out: io.Discard, Err: io.Discard}, nil)
	s.pauses, s.piecePauses = make([]time.Duration, len(s.pauses)), make([]time.Duration, len(s.piecePauses))
	return s.send(t.Context(), path)
}

func TestUploadOfOneThatFailsKeepsTheOthersGoing(t *testing.T) {
	server := fakeGateway(t, map[string]http.HandlerFunc{
		"POST /v1/conversions": func(w http.ResponseWriter, r *http.Request) {
			got := receive(t, r)
			if got.Name == "large.mp4" {
				refuse(http.StatusRequestEntityTooLarge, "too-large", "A video may have at most 4 GiB.")(w, r)
				return
			}
			answer(http.StatusAccepted, queued(testID, got.Name))(w, r)
		},
	})
	loggedIn(t, server.URL)
	writeFile(t, "large.mp4", "large")
	writeFile(t, "small.mp4", "small")
	ran := run(t, "upload", "large.mp4", "small.mp4")
	ran.expect(t, exitFailed, "large.mp4: A video may have at most 4 GiB.")
	if ran.out != testID+"  queued  small.mp4\n" {
		t.Errorf("printed %q", ran.out)
	}
}

func TestUploadStopsWhenTheTokenHasExpired(t *testing.T) {
	asked := 0
	server := fakeGateway(t, map[string]http.HandlerFunc{
		"POST /v1/conversions": func(w http.ResponseWriter, r *http.Request) {
			asked++
			refuse(http.StatusUnauthorized, "not-authorized", "It has expired.")(w, r)
		},
	})
	loggedIn(t, server.URL)
	writeFile(t, "a.mp4", "a")
	run(t, "upload", "a.mp4", "a.mp4", "a.mp4").expect(t, exitFailed, "log in again: unreel login "+testEmail)
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

func TestUploadRefusesBeforeItSends(t *testing.T) {
	loggedIn(t, fakeGateway(t, nil).URL)
	writeFile(t, "a.mp4", "a")
	writeFile(t, "there.mp3", "mine")
	tests := []struct {
		arguments string
		code      int
		text      string
	}{
		{"a.mp4 --bitrate 33", exitUsage, "--bitrate"},
		{"a.mp4 --bitrate 0", exitUsage, "--bitrate"},
		{"a.mp4 --bitrate 128 --vbr 2", exitUsage, "--vbr"},
		{"a.mp4 --vbr 10", exitUsage, "--vbr"},
		{"a.mp4 --abr 7", exitUsage, "--abr: must be from 8 to 320"},
		{"a.mp4 --abr 128 --bitrate 128", exitUsage, "--abr"},
		{"a.mp4 --abr 128 --vbr 2", exitUsage, "--vbr"},
		{"a.mp4 --sample-rate 1", exitUsage, "--sample-rate"},
		{"a.mp4 --start x", exitUsage, "--start"},
		{"a.mp4 --start 5 --end 4", exitUsage, "--end"},
		{"a.mp4 --loudness loud", exitUsage, "--loudness"},
		{"a.mp4 --loudness 3", exitUsage, "--loudness"},
		{"a.mp4 --no-tags --title T", exitUsage, "--title"},
		{"a.mp4 a.mp4 -o out.mp3", exitUsage, "-o"},
		{"a.mp4 -o - --json", exitUsage, "--json"},
		{"a.mp4 -o there.mp3", exitFailed, "--force"},
		{"a.mp4 missing.mp4", exitFailed, "missing.mp4"},
		{"a.mp4 .", exitFailed, "not a file"},
		{"", exitUsage, "<file>"},
	}
	for _, test := range tests {
		t.Run(test.arguments, func(t *testing.T) {
			run(t, append([]string{"upload"}, strings.Fields(test.arguments)...)...).expect(t, test.code, test.text)
		})
	}
}

func TestUploadWaitsAndDownloads(t *testing.T) {
	polls := 0
	server := fakeGateway(t, map[string]http.HandlerFunc{
		"POST /v1/conversions":            answer(http.StatusAccepted, queued(testID, "talk.mp4")),
		"GET /v1/conversions/{id}/events": events(event(1, conversion.Queued, 0), event(2, conversion.Completed, 1)),
		"GET /v1/conversions/{id}": func(w http.ResponseWriter, r *http.Request) {
			polls++
			answer(http.StatusOK, completed(testID, "talk.mp4"))(w, r)
		},
		"GET /v1/conversions/{id}/mp3": mp3Answer("sound", `attachment; filename="talk.mp3"`),
	})
	loggedIn(t, server.URL)
	writeFile(t, "talk.mp4", "video")

	ran := run(t, "upload", "--wait", "talk.mp4")
	ran.expect(t, exitDone, testID)
	if ran.out != testID+"  completed  talk.mp3\n" || readFile(t, "talk.mp3") != "sound" {
		t.Errorf("printed %q", ran.out)
	}
	if polls != 1 {
		t.Errorf("asked %d times beside the events", polls)
	}

	ran = run(t, "upload", "-o", "-", "talk.mp4")
	ran.expect(t, exitDone)
	if ran.out != "sound" {
		t.Errorf("printed %q", ran.out)
	}

	ran = run(t, "upload", "--json", "-o", "x.mp3", "talk.mp4")
	ran.expect(t, exitDone)
	var line struct{ ID, Status, File string }
	if err := json.Unmarshal([]byte(ran.out), &line); err != nil || line.ID != testID || line.Status != "completed" || line.File != "x.mp3" {
		t.Errorf("printed %q: %v", ran.out, err)
	}
}

func TestUploadThatWaitsTellsOfFailure(t *testing.T) {
	server := fakeGateway(t, map[string]http.HandlerFunc{
		"POST /v1/conversions":            answer(http.StatusAccepted, queued(testID, "mute.mp4")),
		"GET /v1/conversions/{id}/events": events(event(1, conversion.Failed, 0)),
		"GET /v1/conversions/{id}":        answer(http.StatusOK, failed(testID, "mute.mp4")),
	})
	loggedIn(t, server.URL)
	writeFile(t, "mute.mp4", "video")
	ran := run(t, "upload", "--wait", "mute.mp4")
	ran.expect(t, exitFailed, testID+" failed: The video has no sound: Add some.")
	if ran.out != testID+"  failed  mute.mp4\n" {
		t.Errorf("printed %q", ran.out)
	}
}

func TestUploadStreams(t *testing.T) {
	const length = 512 << 20
	var arrived int64
	routes := (&tusServer{T: t}).routes()
	routes["PATCH /v1/uploads/{id}"] = func(w http.ResponseWriter, r *http.Request) {
		arrived, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	}
	server := fakeGateway(t, routes)
	loggedIn(t, server.URL)
	writeFile(t, "large.mp4", "")
	if err := os.Truncate("large.mp4", length); err != nil { // a hole: nothing on the disk
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run(t, "upload", "large.mp4").expect(t, exitDone)
	runtime.ReadMemStats(&after)
	if arrived < length {
		t.Errorf("%d bytes arrived", arrived)
	}
	// All that was ever allocated, so at no time was more in memory.
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
		t.Errorf("%d MiB were allocated", grown>>20)
	}
}

func TestInterruptedUploadEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	routes := (&tusServer{T: t}).routes()
	routes["PATCH /v1/uploads/{id}"] = func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(io.Discard, r.Body, 1000)
		cancel()
		_, _ = io.Copy(io.Discard, r.Body)
	}
	server := fakeGateway(t, routes)
	loggedIn(t, server.URL)
	writeFile(t, "large.mp4", "")
	if err := os.Truncate("large.mp4", 256<<20); err != nil {
		t.Fatal(err)
	}
	runWith(ctx, "", "upload", "large.mp4", "large.mp4").expect(t, exitInterrupted, "interrupted")
}
