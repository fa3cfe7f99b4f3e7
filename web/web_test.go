package web_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/unreel/unreel/web"
)

func serve(t *testing.T, method, target string, header http.Header) *http.Response {
	t.Helper()
	handler, err := web.Handler()
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest(method, target, nil)
	maps.Copy(req.Header, header)
	rec := httptest.NewRecorder()
	handler.ServeHTTP(rec, req)
	return rec.Result()
}

func body(t *testing.T, resp *http.Response) string {
	t.Helper()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestHandlerServes(t *testing.T) {
	tests := []struct{ target, contentType, contains string }{
		{"/", "text/html; charset=utf-8", "<title>Unreel"},
		{"/assets/app.js", "text/javascript; charset=utf-8", "/v1/conversions"},
		{"/assets/app.css", "text/css; charset=utf-8", "prefers-color-scheme"},
		{"/assets/icon.svg", "image/svg+xml", "<svg"},
	}
	for _, test := range tests {
		t.Run(test.target, func(t *testing.T) {
			resp := serve(t, http.MethodGet, test.target, nil)
			if resp.StatusCode != http.StatusOK {
				t.Fatalf("status %d", resp.StatusCode)
			}
			if got := resp.Header.Get("Content-Type"); got != test.contentType {
				t.Errorf("type %q, want %q", got, test.contentType)
			}
			if !strings.Contains(body(t, resp), test.contains) {
				t.Errorf("the body lacks %q", test.contains)
			}
			checkHeaders(t, resp.Header)
		})
	}
}

func checkHeaders(t *testing.T, header http.Header) {
	t.Helper()
	policy := header.Get("Content-Security-Policy")
	for _, directive := range []string{
		"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "media-src 'self'",
		"form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
	} {
		if !strings.Contains(policy+";", directive+";") {
			t.Errorf("the policy %q lacks %q", policy, directive)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("the policy allows something unsafe: %q", policy)
	}
	for key, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-cache",
	} {
		if got := header.Get(key); got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
}

func TestHandlerFindsNothingElse(t *testing.T) {
	for _, target := range []string{"/x", "/index.html", "/assets/", "/assets/index.html", "/assets/x", "/dist/app.js", "/src/app.ts", "/v1/nothing"} {
		if resp := serve(t, http.MethodGet, target, nil); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d", target, resp.StatusCode)
		}
	}
}

func TestHandlerSparesWhatIsCached(t *testing.T) {
	etag := serve(t, http.MethodGet, "/assets/app.js", nil).Header.Get("ETag")
	if etag == "" {
		t.Fatal("no ETag")
	}
	resp := serve(t, http.MethodGet, "/assets/app.js", http.Header{"If-None-Match": {etag}})
	if resp.StatusCode != http.StatusNotModified || body(t, resp) != "" {
		t.Errorf("status %d", resp.StatusCode)
	}
	resp = serve(t, http.MethodGet, "/assets/app.js", http.Header{"If-None-Match": {`"another"`}})
	if resp.StatusCode != http.StatusOK {
		t.Errorf("another ETag: status %d", resp.StatusCode)
	}
}

// What the page refers to is served, and what the policy forbids is not in it.
func TestPageFitsItsPolicy(t *testing.T) {
	page := body(t, serve(t, http.MethodGet, "/", nil))
	links := regexp.MustCompile(`(?:src|href)="(/assets/[^"]+)"`).FindAllStringSubmatch(page, -1)
	if len(links) < 3 {
		t.Fatalf("only %d links to assets", len(links))
	}
	for _, link := range links {
		if resp := serve(t, http.MethodGet, link[1], nil); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d", link[1], resp.StatusCode)
		}
	}
	for _, inline := range []string{"<style", " style=", "<script>", "javascript:"} {
		if strings.Contains(page, inline) {
			t.Errorf("the page has %q", inline)
		}
	}
	if handler := regexp.MustCompile(`\son[a-z]+=`).FindString(page); handler != "" {
		t.Errorf("the page has a handler%s", handler)
	}
}

// Names of files are hostile: no source may make HTML of text.
func TestSourcesMakeNoHTML(t *testing.T) {
	files, err := os.ReadDir("src")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		source, err := os.ReadFile("src/" + file.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, sink := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("} {
			if strings.Contains(string(source), sink) {
				t.Errorf("%s uses %s", file.Name(), sink)
			}
		}
	}
}
