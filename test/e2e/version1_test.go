package e2e

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mediatest"
)

// TestVersion1 goes through a conversion's life by /v1.
func TestVersion1(t *testing.T) {
	t.Parallel()
	s := start(t)
	ada := s.signUp(t, "ada@example.com")

	var session api.Session
	got := ada.post(t, "/v1/sessions", "application/json", strings.NewReader(fmt.Sprintf(`{"email":"Ada@Example.com","password":%q}`, password)))
	got.json(t, &session)
	if got.status != http.StatusCreated || session.TokenType != "Bearer" || session.ExpiresIn != 900 {
		t.Fatalf("session: %s", got)
	}
	ada.token = session.AccessToken

	video := file(t, mediatest.Video(t, mediatest.Spec{Seconds: 4, Hz: 660}))
	c := ada.created(t,
		part{field: "bitrate", content: "96"}, part{field: "mono", content: "true"},
		part{field: "start", content: "1"}, part{field: "end", content: "0:03"}, part{field: "title", content: "Über"},
		part{"file", `C:\Videos\Räksmörgås "x".mp4`, video.content})
	if c.Video.Name != `Räksmörgås "x".mp4` || c.Options.Bitrate != 96 || !c.Options.Mono {
		t.Errorf("created: %+v", c)
	}
	c = ada.settled(t, c.ID)
	if c.Status != conversion.Completed || c.MP3.Bitrate != 96000 || c.MP3.Channels != 1 {
		t.Fatalf("settled: %+v, %+v", c, c.MP3)
	}
	checkTone(t, ada.mp3(t, c.ID), 660, 2, 1)
	checkDownload(t, ada, c)
	checkLink(t, ada, c)

	if got := ada.delete(t, "/v1/conversions/"+c.ID); got.status != http.StatusNoContent {
		t.Errorf("delete: %s", got)
	}
	for _, path := range []string{"/v1/conversions/" + c.ID, "/v1/conversions/" + c.ID + "/mp3", "/download?fid=" + c.ID} {
		if got := ada.get(t, path); got.status != http.StatusNotFound {
			t.Errorf("%s after delete: %s", path, got)
		}
	}
}

// checkDownload asks for the MP3 in the ways that players and browsers do.
func checkDownload(t *testing.T, u *user, c api.Conversion) {
	t.Helper()
	path := "/v1/conversions/" + c.ID + "/mp3"
	whole := u.get(t, path)
	etag := whole.header.Get("ETag")
	if whole.status != http.StatusOK || int64(len(whole.body)) != c.MP3.Size || etag != `"`+c.MP3.SHA256+`"` {
		t.Fatalf("whole: %d, %d bytes, ETag %s", whole.status, len(whole.body), etag)
	}
	if disposition := whole.header.Get("Content-Disposition"); !strings.Contains(disposition, "filename*=UTF-8''R%C3%A4ksm%C3%B6rg%C3%A5s%20%22x%22.mp3") {
		t.Errorf("disposition %s", disposition)
	}
	for name, test := range map[string]struct {
		headers []string
		status  int
		body    []byte
	}{
		"a range":              {[]string{"Range", "bytes=100-299"}, 206, whole.body[100:300]},
		"the end":              {[]string{"Range", "bytes=-50"}, 206, whole.body[len(whole.body)-50:]},
		"a range if unchanged": {[]string{"Range", "bytes=0-9", "If-Range", etag}, 206, whole.body[:10]},
		"a range if changed":   {[]string{"Range", "bytes=0-9", "If-Range", `"x"`}, 200, whole.body},
		"if changed":           {[]string{"If-None-Match", etag}, 304, []byte{}},
	} {
		if got := u.get(t, path, test.headers...); got.status != test.status || !cmp.Equal(got.body, test.body) {
			t.Errorf("%s: %d with %d bytes, want %d with %d", name, got.status, len(got.body), test.status, len(test.body))
		}
	}
}

func checkLink(t *testing.T, u *user, c api.Conversion) {
	t.Helper()
	got := u.post(t, "/v1/conversions/"+c.ID+"/links", "application/json", strings.NewReader(`{"expires_in":60}`))
	var link api.Link
	got.json(t, &link)
	if got.status != http.StatusCreated {
		t.Fatalf("link: %s", got)
	}
	if got := u.system.stranger(t).get(t, path(t, link.URL), "Range", "bytes=0-0"); got.status != http.StatusPartialContent {
		t.Errorf("download by link: %s", got)
	}
}

// TestIdempotency sends the same upload twice.
func TestIdempotency(t *testing.T) {
	t.Parallel()
	s := start(t)
	ada, brendan := s.signUp(t, "ada@example.com"), s.signUp(t, "brendan@example.com")
	video := file(t, mediatest.Video(t, mediatest.Spec{}))
	ids := map[string]string{}
	for name, got := range map[string]answer{
		"first":         ada.create(t, "key", video),
		"again":         ada.create(t, "key", video),
		"another key":   ada.create(t, "another", video),
		"somebody else": brendan.create(t, "key", video),
	} {
		if got.status != http.StatusAccepted {
			t.Fatalf("%s: %s", name, got)
		}
		ids[name] = got.header.Get("Location")
	}
	if ids["first"] != ids["again"] || ids["first"] == ids["another key"] || ids["first"] == ids["somebody else"] {
		t.Errorf("locations: %v", ids)
	}
	for name, got := range map[string]answer{
		"another file":    ada.create(t, "key", part{"file", video.file, video.content + "x"}),
		"another option":  ada.create(t, "key", part{field: "mono", content: "true"}, video),
		"a key too long":  ada.create(t, strings.Repeat("k", 300), video),
		"another's label": ada.create(t, "key", part{"file", "other.mp4", video.content}),
	} {
		if got.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestList pages through conversions.
func TestList(t *testing.T) {
	t.Parallel()
	s := start(t)
	ada := s.signUp(t, "ada@example.com")
	var want []string
	for range 5 {
		want = append([]string{ada.created(t, file(t, mediatest.Text(t))).ID}, want...)
	}
	var got []string
	next := "/v1/conversions?limit=2"
	for next != "" {
		page := ada.get(t, next)
		var list api.ConversionList
		page.json(t, &list)
		for _, c := range list.Conversions {
			got = append(got, c.ID)
		}
		link := page.header.Get("Link")
		next = strings.TrimSuffix(strings.TrimPrefix(link, "<"), `>; rel="next"`)
		if (link == "") != (list.NextCursor == "") {
			t.Errorf("link %q, cursor %q", link, list.NextCursor)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	for _, id := range want {
		ada.settled(t, id)
	}
	var failed api.ConversionList
	ada.get(t, "/v1/conversions?status=failed&limit=100").json(t, &failed)
	if len(failed.Conversions) != len(want) {
		t.Errorf("%d failed, want %d", len(failed.Conversions), len(want))
	}
}

// TestEvents follows a conversion to its end, cancels one and retries it.
func TestEvents(t *testing.T) {
	t.Parallel()
	s := start(t, "UNREEL_CONVERTERS=1")
	ada := s.signUp(t, "ada@example.com")
	long := file(t, mediatest.Video(t, mediatest.Spec{Seconds: 300, NoPicture: true, Container: "m4a", Rate: 44100}))
	running, waiting := ada.created(t, long), ada.created(t, long)
	eventually(t, "progress", func() error {
		if c := ada.conversion(t, running.ID); c.Status != conversion.Converting || c.Progress == 0 {
			return fmt.Errorf("%s, %v", c.Status, c.Progress)
		}
		return nil
	})
	if c := ada.conversion(t, waiting.ID); c.Status != conversion.Queued || c.QueuePosition != 1 {
		t.Errorf("waiting: %s at %d", c.Status, c.QueuePosition)
	}

	for _, c := range []api.Conversion{running, waiting} {
		if got := ada.post(t, "/v1/conversions/"+c.ID+"/cancel", "", nil); got.status != http.StatusAccepted {
			t.Fatalf("cancel: %s", got)
		}
		if got := ada.conversion(t, c.ID); got.Status != conversion.Canceled {
			t.Errorf("status %s after cancel", got.Status)
		}
	}
	if got := ada.post(t, "/v1/conversions/"+waiting.ID+"/retry", "", nil); got.status != http.StatusAccepted {
		t.Fatalf("retry: %s", got)
	}
	events := watch(t, ada, waiting.ID)
	if len(events) < 2 || !strings.Contains(events[len(events)-1], `"status":"completed"`) {
		t.Errorf("events: %q", events)
	}
	if got := s.mails(t, running.ID); len(got) != 0 {
		t.Errorf("a mail about what was canceled: %s", got)
	}
}

// watch reads a conversion's events until the stream ends.
func watch(t *testing.T, u *user, id string) []string {
	t.Helper()
	response, err := u.client.Do(u.request(t, http.MethodGet, "/v1/conversions/"+id+"/events", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if kind := response.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Fatalf("%d, content type %s", response.StatusCode, kind)
	}
	var events []string
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		if data, found := strings.CutPrefix(lines.Text(), "data: "); found {
			events = append(events, data)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return events
}
