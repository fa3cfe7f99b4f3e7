package harness

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unreel/unreel/api"
)

// User is somebody with an account. Each answer to a user is checked against the published specification.
type User struct {
	URL    string // of the gateway
	Email  string
	Token  string
	Client *http.Client
}

// Password is everybody's.
const Password = "correct horse battery"

// Answer is a response whose body has been read.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

func (a Answer) String() string { return fmt.Sprintf("%d %s", a.Status, a.Body) }

// JSON reads the body into a value.
func (a Answer) JSON(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal(a.Body, into); err != nil {
		t.Fatalf("%v in %s", err, a)
	}
}

// Problem returns the slug of a problem document.
func (a Answer) Problem(t testing.TB) string {
	t.Helper()
	if kind := a.Header.Get("Content-Type"); kind != "application/problem+json" {
		t.Errorf("content type %q of %s", kind, a)
	}
	var problem api.Problem
	a.JSON(t, &problem)
	if problem.Status != a.Status || problem.Title == "" || problem.Detail == "" {
		t.Errorf("incomplete problem: %s", a)
	}
	return strings.TrimPrefix(problem.Type, "/problems/")
}

// Stranger is somebody without an account, at the gateway with this URL.
func Stranger(t testing.TB, gateway string) *User {
	t.Helper()
	return &User{URL: gateway, Client: &http.Client{Transport: newValidator(t, gateway)}}
}

// SignUp makes an account and logs in.
func SignUp(t testing.TB, gateway, email string) *User {
	t.Helper()
	u := Stranger(t, gateway)
	u.Email = email
	credentials := fmt.Sprintf(`{"email":%q,"password":%q}`, email, Password)
	if got := u.Post(t, "/v1/users", "application/json", strings.NewReader(credentials)); got.Status != http.StatusCreated {
		t.Fatalf("sign up: %s", got)
	}
	u.LogIn(t)
	return u
}

// LogIn gets a new token.
func (u *User) LogIn(t testing.TB) {
	t.Helper()
	request := u.Request(t, http.MethodPost, "/login", nil)
	request.SetBasicAuth(u.Email, Password)
	got := u.Do(t, request)
	if got.Status != http.StatusOK || strings.Count(string(got.Body), ".") != 2 {
		t.Fatalf("log in: %s", got)
	}
	u.Token = string(got.Body)
}

// Request is a request with the user's token.
func (u *User) Request(t testing.TB, method, path string, body io.Reader) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, u.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	if u.Token != "" {
		request.Header.Set("Authorization", "Bearer "+u.Token)
	}
	return request
}

// Do sends a request and reads the answer.
func (u *User) Do(t testing.TB, request *http.Request) Answer {
	t.Helper()
	response, err := u.Client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.Header.Get("X-Request-Id") == "" {
		t.Errorf("%s %s: no X-Request-Id", request.Method, request.URL.Path)
	}
	return Answer{Status: response.StatusCode, Header: response.Header, Body: body}
}

// Get fetches a path, with headers as names and values in turn.
func (u *User) Get(t testing.TB, path string, headers ...string) Answer {
	t.Helper()
	request := u.Request(t, http.MethodGet, path, nil)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	return u.Do(t, request)
}

// Post sends a body.
func (u *User) Post(t testing.TB, path, contentType string, body io.Reader) Answer {
	t.Helper()
	request := u.Request(t, http.MethodPost, path, body)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	return u.Do(t, request)
}

// Patch changes what is at a path by a JSON body.
func (u *User) Patch(t testing.TB, path, body string) Answer {
	t.Helper()
	request := u.Request(t, http.MethodPatch, path, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	return u.Do(t, request)
}

// AddKey makes an API key.
func (u *User) AddKey(t testing.TB) api.NewAPIKey {
	t.Helper()
	got := u.Post(t, "/v1/api-keys", "application/json", strings.NewReader(`{"name":"a script"}`))
	if got.Status != http.StatusCreated {
		t.Fatalf("make a key: %s", got)
	}
	var key api.NewAPIKey
	got.JSON(t, &key)
	return key
}

// Delete deletes what is at a path.
func (u *User) Delete(t testing.TB, path string) Answer {
	t.Helper()
	return u.Do(t, u.Request(t, http.MethodDelete, path, nil))
}

// Upload sends parts to the original route and returns the id that it answers with.
func (u *User) Upload(t testing.TB, parts ...Part) string {
	t.Helper()
	contentType, body := Form(t, parts...)
	got := u.Post(t, "/upload", contentType, body)
	if got.Status != http.StatusOK || string(got.Body) != "success!" {
		t.Fatalf("upload: %s", got)
	}
	return strings.TrimPrefix(got.Header.Get("Location"), "/v1/conversions/")
}

// Create sends parts to /v1/conversions.
func (u *User) Create(t testing.TB, key string, parts ...Part) Answer {
	t.Helper()
	contentType, body := Form(t, parts...)
	request := u.Request(t, http.MethodPost, "/v1/conversions", body)
	request.Header.Set("Content-Type", contentType)
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	return u.Do(t, request)
}

// Created is create of what is accepted.
func (u *User) Created(t testing.TB, parts ...Part) api.Conversion {
	t.Helper()
	got := u.Create(t, "", parts...)
	if got.Status != http.StatusAccepted {
		t.Fatalf("create: %s", got)
	}
	var c api.Conversion
	got.JSON(t, &c)
	return c
}

// Conversion returns one of the user's conversions.
func (u *User) Conversion(t testing.TB, id string) api.Conversion {
	t.Helper()
	got := u.Get(t, "/v1/conversions/"+id)
	if got.Status != http.StatusOK {
		t.Fatalf("get %s: %s", id, got)
	}
	var c api.Conversion
	got.JSON(t, &c)
	return c
}

// Settled waits until a conversion has ended.
func (u *User) Settled(t testing.TB, id string) api.Conversion {
	t.Helper()
	var c api.Conversion
	Eventually(t, "the end of "+id, func() error {
		if c = u.Conversion(t, id); !c.Status.Terminal() {
			return fmt.Errorf("%s, attempt %d", c.Status, c.Attempts)
		}
		return nil
	})
	return c
}

// MP3 downloads a completed conversion's MP3 into a file.
func (u *User) MP3(t testing.TB, id string) string {
	t.Helper()
	got := u.Get(t, "/download?fid="+id)
	if got.Status != http.StatusOK || got.Header.Get("Content-Type") != "audio/mpeg" {
		t.Fatalf("download: %d %s", got.Status, got.Header.Get("Content-Type"))
	}
	if length := got.Header.Get("Content-Length"); length != fmt.Sprint(len(got.Body)) {
		t.Errorf("length %s of %d bytes", length, len(got.Body))
	}
	if disposition := got.Header.Get("Content-Disposition"); disposition != fmt.Sprintf(`attachment; filename="%s.mp3"`, id) {
		t.Errorf("disposition %s", disposition)
	}
	path := filepath.Join(t.TempDir(), id+".mp3")
	if err := os.WriteFile(path, got.Body, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Path is the path and query of a URL.
func Path(t testing.TB, text string) string {
	t.Helper()
	parsed, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.RequestURI()
}
