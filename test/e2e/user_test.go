package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/unreel/unreel/api"
)

// user is somebody with an account. Each answer to a user is checked against the published specification.
type user struct {
	system *system
	email  string
	token  string
	client *http.Client
}

const password = "correct horse battery"

// answer is a response whose body has been read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) String() string { return fmt.Sprintf("%d %s", a.status, a.body) }

// json reads the body into a value.
func (a answer) json(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal(a.body, into); err != nil {
		t.Fatalf("%v in %s", err, a)
	}
}

// problem returns the slug of a problem document.
func (a answer) problem(t *testing.T) string {
	t.Helper()
	if kind := a.header.Get("Content-Type"); kind != "application/problem+json" {
		t.Errorf("content type %q of %s", kind, a)
	}
	var problem api.Problem
	a.json(t, &problem)
	if problem.Status != a.status || problem.Title == "" || problem.Detail == "" {
		t.Errorf("incomplete problem: %s", a)
	}
	return strings.TrimPrefix(problem.Type, "/problems/")
}

// stranger is somebody without an account.
func (s *system) stranger(t *testing.T) *user {
	t.Helper()
	return &user{system: s, client: &http.Client{Transport: newValidator(t, s.url)}}
}

// signUp makes an account and logs in.
func (s *system) signUp(t *testing.T, email string) *user {
	t.Helper()
	u := s.stranger(t)
	u.email = email
	credentials := fmt.Sprintf(`{"email":%q,"password":%q}`, email, password)
	if got := u.post(t, "/v1/users", "application/json", strings.NewReader(credentials)); got.status != http.StatusCreated {
		t.Fatalf("sign up: %s", got)
	}
	u.logIn(t)
	return u
}

func (u *user) logIn(t *testing.T) {
	t.Helper()
	request := u.request(t, http.MethodPost, "/login", nil)
	request.SetBasicAuth(u.email, password)
	got := u.do(t, request)
	if got.status != http.StatusOK || strings.Count(string(got.body), ".") != 2 {
		t.Fatalf("log in: %s", got)
	}
	u.token = string(got.body)
}

func (u *user) request(t *testing.T, method, path string, body io.Reader) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, u.system.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	if u.token != "" {
		request.Header.Set("Authorization", "Bearer "+u.token)
	}
	return request
}

func (u *user) do(t *testing.T, request *http.Request) answer {
	t.Helper()
	response, err := u.client.Do(request)
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
	return answer{status: response.StatusCode, header: response.Header, body: body}
}

func (u *user) get(t *testing.T, path string, headers ...string) answer {
	t.Helper()
	request := u.request(t, http.MethodGet, path, nil)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	return u.do(t, request)
}

func (u *user) post(t *testing.T, path, contentType string, body io.Reader) answer {
	t.Helper()
	request := u.request(t, http.MethodPost, path, body)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	return u.do(t, request)
}

func (u *user) delete(t *testing.T, path string) answer {
	t.Helper()
	return u.do(t, u.request(t, http.MethodDelete, path, nil))
}

// part is one part of a form: a field, or a file if it has a file name.
type part struct{ field, file, content string }

// form is a multipart body with these parts.
func form(t *testing.T, parts ...part) (contentType string, body *bytes.Buffer) {
	t.Helper()
	body = &bytes.Buffer{}
	writer := multipart.NewWriter(body)
	for _, p := range parts {
		var w io.Writer
		var err error
		if p.file != "" {
			w, err = writer.CreateFormFile(p.field, p.file)
		} else {
			w, err = writer.CreateFormField(p.field)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, p.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return writer.FormDataContentType(), body
}

// file is a part with the content of a file.
func file(t *testing.T, path string) part {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return part{"file", filepath.Base(path), string(raw)}
}

// upload sends parts to the original route and returns the id that it answers with.
func (u *user) upload(t *testing.T, parts ...part) string {
	t.Helper()
	contentType, body := form(t, parts...)
	got := u.post(t, "/upload", contentType, body)
	if got.status != http.StatusOK || string(got.body) != "success!" {
		t.Fatalf("upload: %s", got)
	}
	return strings.TrimPrefix(got.header.Get("Location"), "/v1/conversions/")
}

// create sends parts to /v1/conversions.
func (u *user) create(t *testing.T, key string, parts ...part) answer {
	t.Helper()
	contentType, body := form(t, parts...)
	request := u.request(t, http.MethodPost, "/v1/conversions", body)
	request.Header.Set("Content-Type", contentType)
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	return u.do(t, request)
}

// created is create of what is accepted.
func (u *user) created(t *testing.T, parts ...part) api.Conversion {
	t.Helper()
	got := u.create(t, "", parts...)
	if got.status != http.StatusAccepted {
		t.Fatalf("create: %s", got)
	}
	var c api.Conversion
	got.json(t, &c)
	return c
}

// conversion returns one of the user's conversions.
func (u *user) conversion(t *testing.T, id string) api.Conversion {
	t.Helper()
	got := u.get(t, "/v1/conversions/"+id)
	if got.status != http.StatusOK {
		t.Fatalf("get %s: %s", id, got)
	}
	var c api.Conversion
	got.json(t, &c)
	return c
}

// settled waits until a conversion has ended.
func (u *user) settled(t *testing.T, id string) api.Conversion {
	t.Helper()
	var c api.Conversion
	eventually(t, "the end of "+id, func() error {
		if c = u.conversion(t, id); !c.Status.Terminal() {
			return fmt.Errorf("%s, attempt %d", c.Status, c.Attempts)
		}
		return nil
	})
	return c
}

// mp3 downloads a completed conversion's MP3 into a file.
func (u *user) mp3(t *testing.T, id string) string {
	t.Helper()
	got := u.get(t, "/download?fid="+id)
	if got.status != http.StatusOK || got.header.Get("Content-Type") != "audio/mpeg" {
		t.Fatalf("download: %d %s", got.status, got.header.Get("Content-Type"))
	}
	if length := got.header.Get("Content-Length"); length != fmt.Sprint(len(got.body)) {
		t.Errorf("length %s of %d bytes", length, len(got.body))
	}
	if disposition := got.header.Get("Content-Disposition"); disposition != fmt.Sprintf(`attachment; filename="%s.mp3"`, id) {
		t.Errorf("disposition %s", disposition)
	}
	path := filepath.Join(t.TempDir(), id+".mp3")
	if err := os.WriteFile(path, got.body, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// validator checks every answer against the specification.
type validator struct {
	t      *testing.T
	router routers.Router
}

func newValidator(t *testing.T, server string) *validator {
	t.Helper()
	spec, err := openapi3.NewLoader().LoadFromData(api.Spec)
	if err != nil {
		t.Fatal(err)
	}
	spec.Servers = openapi3.Servers{{URL: server}}
	router, err := gorillamux.NewRouter(spec)
	if err != nil {
		t.Fatal(err)
	}
	return &validator{t: t, router: router}
}

// RoundTrip implements http.RoundTripper.
func (v *validator) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil || strings.HasSuffix(request.URL.Path, "/events") {
		return response, err
	}
	route, parameters, err := v.router.FindRoute(request)
	if err != nil {
		return response, nil // not in the specification, such as the page
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(body))
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: request, PathParams: parameters, Route: route},
		Status:                 response.StatusCode,
		Header:                 response.Header,
		Options:                &openapi3filter.Options{IncludeResponseStatus: true, ExcludeResponseBody: !isText(response)},
	}
	input.SetBodyBytes(body)
	if err := openapi3filter.ValidateResponse(request.Context(), input); err != nil {
		v.t.Errorf("%s %s answers what the specification does not have: %v", request.Method, request.URL, err)
	}
	return response, nil
}

func isText(response *http.Response) bool {
	return strings.Contains(response.Header.Get("Content-Type"), "json")
}

// path is the path and query of a URL.
func path(t *testing.T, text string) string {
	t.Helper()
	parsed, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.RequestURI()
}
