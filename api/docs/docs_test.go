package docs_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unreel/unreel/api/docs"
)

func get(t *testing.T, target string, header http.Header) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequest(http.MethodGet, target, nil)
	maps.Copy(req.Header, header)
	rec := httptest.NewRecorder()
	docs.Handler().ServeHTTP(rec, req)
	return rec
}

func TestHandler(t *testing.T) {
	tests := []struct {
		target, contentType, contains string
		status                        int
	}{
		{"/docs", "text/html; charset=utf-8", "/v1/conversions/{id}/mp3", http.StatusOK},
		{"/docs/style.css", "text/css; charset=utf-8", "prefers-color-scheme", http.StatusOK},
		{"/docs/docs.go", "", "", http.StatusNotFound},
		{"/docs/index.html", "", "", http.StatusNotFound},
	}
	for _, test := range tests {
		t.Run(test.target, func(t *testing.T) {
			rec := get(t, test.target, nil)
			if rec.Code != test.status {
				t.Fatalf("status %d, want %d", rec.Code, test.status)
			}
			if test.status != http.StatusOK {
				return
			}
			if got := rec.Header().Get("Content-Type"); got != test.contentType {
				t.Errorf("type %q, want %q", got, test.contentType)
			}
			if !strings.HasPrefix(rec.Header().Get("Content-Security-Policy"), "default-src 'none'; style-src 'self';") {
				t.Errorf("policy %q", rec.Header().Get("Content-Security-Policy"))
			}
			if !strings.Contains(rec.Body.String(), test.contains) {
				t.Errorf("the body lacks %q", test.contains)
			}
		})
	}
}

// What the policy forbids must not be in the page: it would be lost without a word.
func TestPageNeedsNothingInline(t *testing.T) {
	body := get(t, "/docs", nil).Body.String()
	for _, forbidden := range []string{"<script", "<style", " style=", "://cdn", "onclick="} {
		if strings.Contains(body, forbidden) {
			t.Errorf("the page has %q", forbidden)
		}
	}
}

func TestPageIsUpToDate(t *testing.T) {
	fresh := filepath.Join(t.TempDir(), "index.html")
	gen := exec.CommandContext(t.Context(), "go", "run", "./gen", "-spec", "../openapi.yaml", "-out", fresh)
	if out, err := gen.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want, err := os.ReadFile(fresh)
	if err != nil {
		t.Fatal(err)
	}
	if get(t, "/docs", nil).Body.String() != string(want) {
		t.Error("index.html is not what the specification says now: run go generate ./api/...")
	}
}
