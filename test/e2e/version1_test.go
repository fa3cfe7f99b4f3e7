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
	"github.com/unreel/unreel/test/harness"
)

// TestVersion1 goes through a conversion's life by /v1.
func TestVersion1(t *testing.T) {
	t.Parallel()
	s := harness.StartAlone(t)
	ada := harness.SignUp(t, s.URL, "ada@example.com")

	var session api.Session
	got := ada.Post(t, "/v1/sessions", "application/json", strings.NewReader(fmt.Sprintf(`{"email":"Ada@Example.com","password":%q}`, harness.Password)))
	got.JSON(t, &session)
	if got.Status != http.StatusCreated || session.TokenType != "Bearer" || session.ExpiresIn != 900 {
		t.Fatalf("session: %s", got)
	}
	ada.Token = session.AccessToken

	video := harness.File(t, mediatest.Video(t, mediatest.Spec{Seconds: 4, Hz: 660}))
	c := ada.Created(t,
		harness.Part{Field: "bitrate", Content: "96"}, harness.Part{Field: "mono", Content: "true"},
		harness.Part{Field: "start", Content: "1"}, harness.Part{Field: "end", Content: "0:03"}, harness.Part{Field: "title", Content: "Über"},
		harness.Part{Field: "file", File: `C:\Videos\Räksmörgås "x".mp4`, Content: video.Content})
	if c.Video.Name != `Räksmörgås "x".mp4` || c.Options.Bitrate != 96 || c.Options.VBR != nil || !c.Options.Mono {
		t.Errorf("created: %+v", c)
	}
	c = ada.Settled(t, c.ID)
	if c.Status != conversion.Completed || c.MP3.Bitrate != 96000 || c.MP3.Channels != 1 {
		t.Fatalf("settled: %+v, %+v", c, c.MP3)
	}
	checkTone(t, ada.MP3(t, c.ID), 660, 2, 1)
	checkDownload(t, ada, c)
	checkLink(t, ada, c)

	if got := ada.Delete(t, "/v1/conversions/"+c.ID); got.Status != http.StatusNoContent {
		t.Errorf("delete: %s", got)
	}
	for _, path := range []string{"/v1/conversions/" + c.ID, "/v1/conversions/" + c.ID + "/mp3", "/download?fid=" + c.ID} {
		if got := ada.Get(t, path); got.Status != http.StatusNotFound {
			t.Errorf("%s after delete: %s", path, got)
		}
	}
}

// checkDownload asks for the MP3 in the ways that players and browsers do.
func checkDownload(t *testing.T, u *harness.User, c api.Conversion) {
	t.Helper()
	path := "/v1/conversions/" + c.ID + "/mp3"
	whole := u.Get(t, path)
	etag := whole.Header.Get("ETag")
	if whole.Status != http.StatusOK || int64(len(whole.Body)) != c.MP3.Size || etag != `"`+c.MP3.SHA256+`"` {
		t.Fatalf("whole: %d, %d bytes, ETag %s", whole.Status, len(whole.Body), etag)
	}
	if disposition := whole.Header.Get("Content-Disposition"); !strings.Contains(disposition, "filename*=UTF-8''R%C3%A4ksm%C3%B6rg%C3%A5s%20%22x%22.mp3") {
		t.Errorf("disposition %s", disposition)
	}
	for name, test := range map[string]struct {
		headers []string
		status  int
		body    []byte
	}{
		"a range":              {[]string{"Range", "bytes=100-299"}, 206, whole.Body[100:300]},
		"the end":              {[]string{"Range", "bytes=-50"}, 206, whole.Body[len(whole.Body)-50:]},
		"a range if unchanged": {[]string{"Range", "bytes=0-9", "If-Range", etag}, 206, whole.Body[:10]},
		"a range if changed":   {[]string{"Range", "bytes=0-9", "If-Range", `"x"`}, 200, whole.Body},
		"if changed":           {[]string{"If-None-Match", etag}, 304, []byte{}},
	} {
		if got := u.Get(t, path, test.headers...); got.Status != test.status || !cmp.Equal(got.Body, test.body) {
			t.Errorf("%s: %d with %d bytes, want %d with %d", name, got.Status, len(got.Body), test.status, len(test.body))
		}
	}
}

func checkLink(t *testing.T, u *harness.User, c api.Conversion) {
	t.Helper()
	got := u.Post(t, "/v1/conversions/"+c.ID+"/links", "application/json", strings.NewReader(`{"expires_in":60}`))
	var link api.Link
	got.JSON(t, &link)
	if got.Status != http.StatusCreated {
		t.Fatalf("link: %s", got)
	}
	if got := harness.Stranger(t, u.URL).Get(t, harness.Path(t, link.URL), "Range", "bytes=0-0"); got.Status != http.StatusPartialContent {
		t.Errorf("download by link: %s", got)
	}
}

// TestIdempotency sends the same upload twice.
func TestIdempotency(t *testing.T) {
	t.Parallel()
	s := harness.StartAlone(t)
	ada, brendan := harness.SignUp(t, s.URL, "ada@example.com"), harness.SignUp(t, s.URL, "brendan@example.com")
	video := harness.File(t, mediatest.Video(t, mediatest.Spec{}))
	ids := map[string]string{}
	for name, got := range map[string]harness.Answer{
		"first":         ada.Create(t, "key", video),
		"again":         ada.Create(t, "key", video),
		"another key":   ada.Create(t, "another", video),
		"somebody else": brendan.Create(t, "key", video),
	} {
		if got.Status != http.StatusAccepted {
			t.Fatalf("%s: %s", name, got)
		}
		ids[name] = got.Header.Get("Location")
	}
	if ids["first"] != ids["again"] || ids["first"] == ids["another key"] || ids["first"] == ids["somebody else"] {
		t.Errorf("locations: %v", ids)
	}
	for name, got := range map[string]harness.Answer{
		"another file":    ada.Create(t, "key", harness.Part{Field: "file", File: video.File, Content: video.Content + "x"}),
		"another option":  ada.Create(t, "key", harness.Part{Field: "mono", Content: "true"}, video),
		"a key too long":  ada.Create(t, strings.Repeat("k", 300), video),
		"another's label": ada.Create(t, "key", harness.Part{Field: "file", File: "other.mp4", Content: video.Content}),
	} {
		if got.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestList pages through conversions.
func TestList(t *testing.T) {
	t.Parallel()
	s := harness.StartAlone(t)
	ada := harness.SignUp(t, s.URL, "ada@example.com")
	var want []string
	for range 5 {
		want = append([]string{ada.Created(t, harness.File(t, mediatest.Text(t))).ID}, want...)
	}
	var got []string
	next := "/v1/conversions?limit=2"
	for next != "" {
		page := ada.Get(t, next)
		var list api.ConversionList
		page.JSON(t, &list)
		for _, c := range list.Conversions {
			got = append(got, c.ID)
		}
		link := page.Header.Get("Link")
		next = strings.TrimSuffix(strings.TrimPrefix(link, "<"), `>; rel="next"`)
		if (link == "") != (list.NextCursor == "") {
			t.Errorf("link %q, cursor %q", link, list.NextCursor)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	for _, id := range want {
		ada.Settled(t, id)
	}
	var failed api.ConversionList
	ada.Get(t, "/v1/conversions?status=failed&limit=100").JSON(t, &failed)
	if len(failed.Conversions) != len(want) {
		t.Errorf("%d failed, want %d", len(failed.Conversions), len(want))
	}
}

// TestEvents follows a conversion to its end, cancels one and retries it.
func TestEvents(t *testing.T) {
	t.Parallel()
	s := harness.StartAlone(t, "UNREEL_CONVERTERS=1")
	ada := harness.SignUp(t, s.URL, "ada@example.com")
	long := harness.File(t, mediatest.Video(t, mediatest.Spec{Seconds: 300, NoPicture: true, Container: "m4a", Rate: 44100}))
	running, waiting := ada.Created(t, long), ada.Created(t, long)
	harness.Eventually(t, "progress", func() error {
		if c := ada.Conversion(t, running.ID); c.Status != conversion.Converting || c.Progress == 0 {
			return fmt.Errorf("%s, %v", c.Status, c.Progress)
		}
		return nil
	})
	if c := ada.Conversion(t, waiting.ID); c.Status != conversion.Queued || c.QueuePosition != 1 {
		t.Errorf("waiting: %s at %d", c.Status, c.QueuePosition)
	}

	for _, c := range []api.Conversion{running, waiting} {
		if got := ada.Post(t, "/v1/conversions/"+c.ID+"/cancel", "", nil); got.Status != http.StatusAccepted {
			t.Fatalf("cancel: %s", got)
		}
		if got := ada.Conversion(t, c.ID); got.Status != conversion.Canceled {
			t.Errorf("status %s after cancel", got.Status)
		}
	}
	if got := ada.Post(t, "/v1/conversions/"+waiting.ID+"/retry", "", nil); got.Status != http.StatusAccepted {
		t.Fatalf("retry: %s", got)
	}
	events := watch(t, ada, waiting.ID)
	if len(events) < 2 || !strings.Contains(events[len(events)-1], `"status":"completed"`) {
		t.Errorf("events: %q", events)
	}
	if got := s.Mails(t, running.ID); len(got) != 0 {
		t.Errorf("a mail about what was canceled: %s", got)
	}
}

// watch reads a conversion's events until the stream ends.
func watch(t *testing.T, u *harness.User, id string) []string {
	t.Helper()
	response, err := u.Client.Do(u.Request(t, http.MethodGet, "/v1/conversions/"+id+"/events", nil))
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
