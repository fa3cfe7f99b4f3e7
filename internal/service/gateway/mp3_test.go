package gateway

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/blob"
)

func TestMP3(t *testing.T) {
	w := newWorld(t)
	id := w.queued()
	path := "/v1/conversions/" + string(id) + "/mp3"
	response, body := w.do("GET", path, nil)
	w.wantProblem(response, body, 409, "conflict")

	claim, err := w.ledger.Claim(t.Context(), id)
	w.must(err)
	writer, err := w.disk.Create(t.Context(), blob.MP3, id)
	w.must(err)
	_, err = writer.Write([]byte("0123456789"))
	w.must(err)
	w.must(writer.Commit(t.Context(), blob.Meta{}))
	_, err = w.ledger.Complete(t.Context(), id, claim.Fence, conversion.Video{}, conversion.MP3{Size: 10, SHA256: "digest"})
	w.must(err)

	for name, test := range map[string]struct {
		header []string
		status int
		body   string
	}{
		"all":                {nil, 200, "0123456789"},
		"a range":            {[]string{"Range", "bytes=2-4"}, 206, "234"},
		"the end":            {[]string{"Range", "bytes=-3"}, 206, "789"},
		"behind the end":     {[]string{"Range", "bytes=10-"}, 416, ""},
		"backwards":          {[]string{"Range", "bytes=5-1"}, 416, ""},
		"in a strange unit":  {[]string{"Range", "octets=2-4"}, 200, "0123456789"},
		"if it were another": {[]string{"If-Match", `"other"`}, 412, ""},
		"known already":      {[]string{"If-None-Match", `"digest"`}, 304, ""},
		"of another version": {[]string{"Range", "bytes=2-4", "If-Range", `"other"`}, 200, "0123456789"},
	} {
		response, body := w.do("GET", path, nil, test.header...)
		if response.StatusCode != test.status || test.status < 300 && string(body) != test.body {
			t.Errorf("%s: %s %q", name, response.Status, body)
		}
		if test.status >= 400 {
			w.wantProblem(response, body, test.status, map[int]string{416: "no-such-range", 412: "precondition-failed"}[test.status])
		}
		if test.status == 416 && response.Header.Get("Content-Range") != "bytes */10" {
			t.Errorf("%s: %v", name, response.Header)
		}
		if test.status < 300 && (response.Header.Get("ETag") != `"digest"` || response.Header.Get("Content-Type") != "audio/mpeg" ||
			!strings.Contains(response.Header.Get("Content-Disposition"), `filename="talk.mp3"`)) {
			t.Errorf("%s: %v", name, response.Header)
		}
	}
	w.checkLink(path)

	w.must(w.disk.Delete(t.Context(), blob.MP3, id))
	response, body = w.do("GET", path, nil)
	w.wantProblem(response, body, 410, "expired")
	if response.Header.Get("ETag") != "" || response.Header.Get("Content-Disposition") != "" {
		t.Errorf("a problem with the headers of an MP3: %v", response.Header)
	}
}

// checkLink wants a link to open its MP3 for everybody, and nothing else.
func (w *world) checkLink(path string) {
	response, body := w.do("POST", strings.TrimSuffix(path, "mp3")+"links", strings.NewReader(`{"expires_in":60}`), "Content-Type", "application/json")
	var made api.Link
	w.must(json.Unmarshal(body, &made))
	if response.StatusCode != http.StatusCreated || time.Until(made.ExpiresAt) > time.Minute {
		w.Fatalf("got %s %s", response.Status, body)
	}
	token := w.token
	w.token = "" // nobody
	defer func() { w.token = token }()
	signed := strings.TrimPrefix(made.URL, "http://localhost")
	if response, body := w.do("GET", signed, nil); response.StatusCode != 200 || string(body) != "0123456789" {
		w.Errorf("got %s %q", response.Status, body)
	}
	other := "/v1/conversions/" + string(conversion.NewID(time.Now())) + "/mp3"
	for _, forged := range []string{
		strings.Replace(signed, path, other, 1), strings.Replace(signed, "expires=", "expires=1", 1), strings.Replace(signed, "signature=", "signature=A", 1),
	} {
		response, body := w.do("GET", forged, nil)
		w.wantProblem(response, body, 403, "bad-link")
	}
	for _, life := range []string{"0", "-1", "604801"} {
		w.token = token
		response, body := w.do("POST", strings.TrimSuffix(path, "mp3")+"links", strings.NewReader(`{"expires_in":`+life+`}`), "Content-Type", "application/json")
		w.wantProblem(response, body, 422, "invalid")
	}
}

func TestMP3Name(t *testing.T) {
	for video, want := range map[string]string{"talk.mp4": "talk.mp3", "talk": "talk.mp3", "a.b.mkv": "a.b.mp3", ".mp4": ".mp4.mp3"} {
		if got := mp3Name(video); got != want {
			t.Errorf("mp3Name(%q) = %q, want %q", video, got, want)
		}
	}
}
