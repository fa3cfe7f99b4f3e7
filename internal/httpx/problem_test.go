package httpx_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/httpx"
)

func TestWriteProblem(t *testing.T) {
	problem := httpx.Invalid("<field>", "must be \"so\"")
	problem.RetryAfter = 1500 * time.Millisecond
	problem.Header = http.Header{"Allow": {"GET"}}
	recorder := httptest.NewRecorder()
	recorder.Header().Set("Content-Length", "99999")
	httpx.WriteProblem(recorder, httptest.NewRequest("POST", "/v1/x?token=secret", nil), problem)

	want := map[string]any{
		"type": "/problems/invalid", "title": "A value is not allowed", "status": 422.0, "instance": "/v1/x",
		"detail": `<field>: must be "so"`,
		"errors": []any{map[string]any{"field": "<field>", "detail": `must be "so"`}},
	}
	var got map[string]any
	if err := json.Unmarshal(recorder.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for name, value := range map[string]string{
		"Content-Type": httpx.ProblemType, "Retry-After": "2", "Allow": "GET", "Cache-Control": "no-store", "Content-Length": "",
	} {
		if got := recorder.Header().Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	if recorder.Code != 422 {
		t.Errorf("status %d", recorder.Code)
	}
}

func TestDecodeJSON(t *testing.T) {
	const kind = "application/json"
	for name, test := range map[string]struct {
		kind, body string
		status     int // 0: read
		field      string
		detail     string // of that field
	}{
		"good":               {kind, `{"email":"a@b.c","age":3}`, 0, "", ""},
		"charset":            {kind + "; charset=utf-8", `{"email":"a@b.c","age":3,"later":[]}` + "\n ", 0, "", ""},
		"no kind":            {"", `{}`, 415, "", ""},
		"a form":             {"application/x-www-form-urlencoded", `{}`, 415, "", ""},
		"nonsense for kind":  {"application/json; =", `{}`, 415, "", ""},
		"empty":              {kind, "", 400, "", ""},
		"cut off":            {kind, `{"email":`, 400, "", ""},
		"two values":         {kind, `{} {}`, 400, "", ""},
		"rubbish behind":     {kind, `{}}`, 400, "", ""},
		"another type":       {kind, `["email"]`, 400, "", ""},
		"a field's type":     {kind, `{"email":7}`, 422, "email", "must be a string"},
		"a number's type":    {kind, `{"age":"old"}`, 422, "age", "must be a whole number that is not too large"},
		"too large":          {kind, `{"email":"` + strings.Repeat("x", 64<<10) + `"}`, 413, "", ""},
		"as deep as allowed": {kind, strings.Repeat("[", 60000), 400, "", ""},
	} {
		var into struct {
			Email string `json:"email"`
			Age   int    `json:"age"`
		}
		request := httptest.NewRequest("POST", "/", strings.NewReader(test.body))
		request.Header.Set("Content-Type", test.kind)
		recorder := httptest.NewRecorder()
		read := httpx.DecodeJSON(recorder, request, &into)
		if read != (test.status == 0) {
			t.Errorf("%s: read %v: %s", name, read, recorder.Body)
			continue
		}
		if read {
			if into.Email != "a@b.c" || into.Age != 3 || recorder.Body.Len() != 0 {
				t.Errorf("%s: got %+v, answered %s", name, into, recorder.Body)
			}
			continue
		}
		var problem httpx.Problem
		if err := json.Unmarshal(recorder.Body.Bytes(), &problem); err != nil || recorder.Code != test.status || problem.Status != test.status {
			t.Errorf("%s: %d %s, %v", name, recorder.Code, recorder.Body, err)
		}
		if test.field != "" && (len(problem.Errors) != 1 || problem.Errors[0] != httpx.FieldError{Field: test.field, Detail: test.detail}) {
			t.Errorf("%s: %s does not name %s and what it %s", name, recorder.Body, test.field, test.detail)
		}
	}
}
