package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/test/harness"
)

// TestOriginalRoutes holds the answers of the first version, to the letter.
func TestOriginalRoutes(t *testing.T) {
	t.Parallel()
	s := harness.StartAlone(t)
	ada, brendan, nobody := harness.SignUp(t, s.URL, "ada@example.com"), harness.SignUp(t, s.URL, "brendan@example.com"), harness.Stranger(t, s.URL)
	forger := harness.Stranger(t, s.URL)
	forger.Token = ada.Token[:len(ada.Token)-4] + "AAAA"
	video := harness.File(t, mediatest.Video(t, mediatest.Spec{}))
	id := ada.Upload(t, harness.Part{Field: "any name", File: "talk.mp4", Content: video.Content})
	ada.Settled(t, id)

	multi := func(parts ...harness.Part) func(*harness.User) harness.Answer {
		return func(u *harness.User) harness.Answer {
			contentType, body := harness.Form(t, parts...)
			return u.Post(t, "/upload", contentType, body)
		}
	}
	download := func(query string) func(*harness.User) harness.Answer {
		return func(u *harness.User) harness.Answer { return u.Get(t, "/download"+query) }
	}
	logIn := func(name, secret string) func(*harness.User) harness.Answer {
		return func(u *harness.User) harness.Answer {
			request := u.Request(t, http.MethodPost, "/login", nil)
			request.SetBasicAuth(name, secret)
			return u.Do(t, request)
		}
	}
	for name, test := range map[string]struct {
		user   *harness.User
		call   func(*harness.User) harness.Answer
		status int
		body   string // "" for any
	}{
		"log in without credentials":   {nobody, func(u *harness.User) harness.Answer { return u.Post(t, "/login", "", nil) }, 401, "missing credentials"},
		"log in with a wrong password": {nobody, logIn("ada@example.com", "wrong"), 401, "invalid credentials"},
		"log in as nobody":             {nobody, logIn("nobody@example.com", harness.Password), 401, "invalid credentials"},
		"upload without a token":       {nobody, multi(video), 401, "missing credentials"},
		"upload with a bad token":      {forger, multi(video), 403, "not authorized"},
		"upload without a file":        {ada, multi(harness.Part{Field: "a", Content: "b"}), 400, "exactly 1 file required"},
		"upload of two files":          {ada, multi(video, video), 400, "exactly 1 file required"},
		"upload of a text as file":     {ada, multi(harness.Part{Field: "file", Content: "text"}), 400, "exactly 1 file required"},
		"log in by GET":                {nobody, func(u *harness.User) harness.Answer { return u.Get(t, "/login") }, 405, ""},
		"upload by GET":                {ada, func(u *harness.User) harness.Answer { return u.Get(t, "/upload") }, 405, ""},
		"download by POST":             {ada, func(u *harness.User) harness.Answer { return u.Post(t, "/download?fid="+id, "", nil) }, 405, ""},
		"download of two ids":          {ada, download("?fid=" + id + "&fid=" + id), 400, ""},
		"download from behind the end": {ada, func(u *harness.User) harness.Answer {
			return u.Get(t, "/download?fid="+id, "Range", "bytes=99999999-")
		}, 416, ""},
		"upload of no form": {ada, func(u *harness.User) harness.Answer { return u.Post(t, "/upload", "", nil) }, 400, "exactly 1 file required"},
		"upload of JSON": {ada, func(u *harness.User) harness.Answer {
			return u.Post(t, "/upload", "application/json", strings.NewReader("{}"))
		}, 400, "exactly 1 file required"},
		"download without a token":       {nobody, download("?fid=" + id), 401, "missing credentials"},
		"download with a bad token":      {forger, download("?fid=" + id), 403, "not authorized"},
		"download of nothing":            {ada, download(""), 400, "fid is required"},
		"download of an empty id":        {ada, download("?fid="), 400, "fid is required"},
		"download of no id":              {ada, download("?fid=../../etc/passwd"), 400, ""},
		"download of an unknown id":      {ada, download("?fid=000000000000000000000000"), 404, ""},
		"download of somebody else's id": {brendan, download("?fid=" + id), 404, ""},
		"download in upper case":         {ada, download("?fid=" + strings.ToUpper(id)), 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := test.call(test.user)
			if got.Status != test.status || (test.body != "" && string(got.Body) != test.body) {
				t.Errorf("got %d %.200q, want %d %q", got.Status, got.Body, test.status, test.body)
			}
			if kind := got.Header.Get("Content-Type"); got.Status != 200 && !strings.HasPrefix(kind, "text/plain") {
				t.Errorf("content type %q", kind)
			}
		})
	}
	if got := s.Blobs(t); got != 2 {
		t.Errorf("%d files are kept, want a video and an MP3", got)
	}
	// Fields are ignored, as the first version did: of any number of bytes, before and behind the file.
	long := harness.Part{Field: "note", Content: strings.Repeat("x", 5000)}
	if got := multi(long, harness.Part{Field: "file", Content: "text"}, video, long)(ada); got.Status != 200 {
		t.Errorf("among other fields: %s", got)
	}
}

// TestVersion1Problems holds what /v1 says to wrong input.
func TestVersion1Problems(t *testing.T) {
	t.Parallel()
	s := harness.StartAlone(t, "UNREEL_MAX_UPLOAD=200KB")
	ada, brendan, nobody := harness.SignUp(t, s.URL, "ada@example.com"), harness.SignUp(t, s.URL, "brendan@example.com"), harness.Stranger(t, s.URL)
	forger := harness.Stranger(t, s.URL)
	forger.Token = "e30.e30.e30"
	video := harness.File(t, mediatest.Video(t, mediatest.Spec{}))
	id := ada.Created(t, video).ID
	ada.Settled(t, id)
	one := "/v1/conversions/" + id

	create := func(parts ...harness.Part) func(*harness.User) harness.Answer {
		return func(u *harness.User) harness.Answer { return u.Create(t, "", parts...) }
	}
	option := func(field, value string) func(*harness.User) harness.Answer {
		return create(harness.Part{Field: field, Content: value}, video)
	}
	get := func(path string) func(*harness.User) harness.Answer {
		return func(u *harness.User) harness.Answer { return u.Get(t, path) }
	}
	post := func(path, body string) func(*harness.User) harness.Answer {
		return func(u *harness.User) harness.Answer {
			return u.Post(t, path, "application/json", strings.NewReader(body))
		}
	}
	for name, test := range map[string]struct {
		user   *harness.User
		call   func(*harness.User) harness.Answer
		status int
		slug   string // "" for any
	}{
		"no token":                    {nobody, get(one), 401, ""},
		"a bad token":                 {forger, get(one), 401, ""},
		"somebody else's":             {brendan, get(one), 404, "not-found"},
		"somebody else's MP3":         {brendan, get(one + "/mp3"), 404, "not-found"},
		"somebody else's link":        {brendan, post(one+"/links", "{}"), 404, "not-found"},
		"deleting somebody else's":    {brendan, func(u *harness.User) harness.Answer { return u.Delete(t, one) }, 404, "not-found"},
		"retrying somebody else's":    {brendan, post(one+"/retry", ""), 404, "not-found"},
		"watching somebody else's":    {brendan, get(one + "/events"), 404, "not-found"},
		"no id":                       {ada, get("/v1/conversions/nonsense"), 404, ""},
		"retrying a completed one":    {ada, post(one+"/retry", ""), 409, "conflict"},
		"canceling a completed one":   {ada, post(one+"/cancel", ""), 409, "conflict"},
		"no file":                     {ada, create(harness.Part{Field: "mono", Content: "true"}), 400, "file-count"},
		"two files":                   {ada, create(video, video), 400, "file-count"},
		"no form":                     {ada, post("/v1/conversions", "{}"), 415, "unsupported-media-type"},
		"a field behind the file":     {ada, create(video, harness.Part{Field: "mono", Content: "true"}), 422, "invalid"},
		"an unknown option":           {ada, option("colour", "red"), 422, "invalid"},
		"a bitrate that is none":      {ada, option("bitrate", "loud"), 422, "invalid"},
		"a bitrate that MP3 lacks":    {ada, option("bitrate", "100"), 422, "invalid"},
		"a bitrate of 0":              {ada, option("bitrate", "0"), 422, "invalid"},
		"track 0":                     {ada, option("track", "0"), 422, "invalid"},
		"an average out of range":     {ada, option("abr", "7"), 422, "invalid"},
		"a quality out of range":      {ada, option("vbr", "10"), 422, "invalid"},
		"a start that is none":        {ada, option("start", "1:99"), 422, "invalid"},
		"an end before the start":     {ada, create(harness.Part{Field: "start", Content: "2"}, harness.Part{Field: "end", Content: "1"}, video), 422, "invalid"},
		"a file that is too large":    {ada, create(harness.Part{Field: "file", File: "large.mp4", Content: strings.Repeat("x", 300_000)}), 413, "too-large"},
		"a page that is too long":     {ada, get("/v1/conversions?limit=1000"), 422, "invalid"},
		"a limit that is none":        {ada, get("/v1/conversions?limit=x"), 422, "invalid"},
		"a status that is none":       {ada, get("/v1/conversions?status=lost"), 422, "invalid"},
		"a cursor that is none":       {ada, get("/v1/conversions?cursor=!"), 422, "invalid"},
		"a link for ever":             {ada, post(one+"/links", `{"expires_in":99999999}`), 422, "invalid"},
		"a range behind the end":      {ada, func(u *harness.User) harness.Answer { return u.Get(t, one+"/mp3", "Range", "bytes=99999999-") }, 416, "no-such-range"},
		"a route that does not exist": {ada, get("/v1/nonsense"), 404, ""},
		"log out of nothing":          {nobody, func(u *harness.User) harness.Answer { return u.Delete(t, "/v1/sessions") }, 401, "missing-credentials"},
		"keys of nobody":              {nobody, get("/v1/api-keys"), 401, "missing-credentials"},
		"a bad key":                   {&harness.User{URL: s.URL, Client: nobody.Client, Token: "unreel_x"}, get(one), 401, "invalid-token"},
		"removing no key":             {ada, func(u *harness.User) harness.Answer { return u.Delete(t, "/v1/api-keys/x") }, 404, "not-found"},
		"a key for no time":           {ada, post("/v1/api-keys", `{"expires_in":0}`), 422, "invalid"},
		"an account of nobody":        {nobody, get("/v1/me"), 401, "missing-credentials"},
		"no change of the account":    {ada, func(u *harness.User) harness.Answer { return u.Patch(t, "/v1/me", "{}") }, 422, "invalid"},
		"uploads in pieces":           {ada, get("/v1/uploads"), 405, "method-not-allowed"},
		"removing no webhook":         {ada, func(u *harness.User) harness.Answer { return u.Delete(t, "/v1/webhooks/x") }, 404, "not-found"},
		"refresh without a token":     {nobody, post("/v1/sessions/refresh", "{}"), 422, "invalid"},
		"refresh with a bad token":    {nobody, post("/v1/sessions/refresh", `{"refresh_token":"nonsense"}`), 401, "invalid-refresh-token"},
		"sign up twice":               {nobody, post("/v1/users", fmt.Sprintf(`{"email":"ADA@example.com ","password":%q}`, harness.Password)), 409, ""},
		"sign up without an address":  {nobody, post("/v1/users", `{"email":"ada","password":"correct horse battery"}`), 422, ""},
		"sign up with a weak secret":  {nobody, post("/v1/users", `{"email":"c@example.com","password":"123"}`), 422, ""},
		"sign up with no JSON":        {nobody, post("/v1/users", `{"email":`), 400, ""},
		"log in with a wrong secret":  {nobody, post("/v1/sessions", `{"email":"ada@example.com","password":"wrong"}`), 401, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := test.call(test.user)
			if got.Status != test.status {
				t.Errorf("got %s, want %d", got, test.status)
			}
			if slug := got.Problem(t); test.slug != "" && slug != test.slug {
				t.Errorf("problem %q, want %q", slug, test.slug)
			}
		})
	}
	if got := s.Blobs(t); got != 2 {
		t.Errorf("%d files are kept, want a video and an MP3", got)
	}
}

// TestBrokenUpload cuts an upload in the middle.
func TestBrokenUpload(t *testing.T) {
	t.Parallel()
	s := harness.StartAlone(t)
	ada := harness.SignUp(t, s.URL, "ada@example.com")
	contentType, body := harness.Form(t, harness.Part{Field: "file", File: "talk.mp4", Content: strings.Repeat("x", 3<<20)})
	for name, reader := range map[string]io.Reader{
		"a form without an end":  io.LimitReader(body, 2<<20),
		"a line that is cut off": io.MultiReader(io.LimitReader(body, 1<<20), brokenReader{}),
	} {
		t.Run(name, func(t *testing.T) {
			request := ada.Request(t, http.MethodPost, "/v1/conversions", io.NopCloser(reader))
			request.Header.Set("Content-Type", contentType)
			response, err := http.DefaultClient.Do(request)
			if err == nil {
				defer response.Body.Close()
				if response.StatusCode != http.StatusBadRequest {
					t.Errorf("status %d", response.StatusCode)
				}
			}
		})
	}
	harness.Eventually(t, "nothing to be left", func() error {
		if left := s.Blobs(t); left != 0 {
			return fmt.Errorf("%d files", left)
		}
		return nil
	})
	if got := ada.Get(t, "/v1/conversions"); !strings.Contains(string(got.Body), `"conversions":[]`) {
		t.Errorf("list: %s", got)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }
