// Package docs serves the specification as a page for people. The page is made when code is generated
// and not when a request comes, so that the binary carries no YAML reader, and it has neither scripts nor
// anything from elsewhere.
package docs

import (
	"bytes"
	"embed"
	"net/http"
	"path"
	"time"
)

//go:generate go run ./gen -spec ../openapi.yaml -out index.html

//go:embed index.html style.css
var files embed.FS

// policy lets the page load its style sheet and nothing else.
const policy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Handler serves the page at /docs and what it loads below /docs/.
func Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /docs", serve("index.html", "text/html; charset=utf-8"))
	mux.HandleFunc("GET /docs/style.css", serve("style.css", "text/css; charset=utf-8"))
	return mux
}

func serve(name, contentType string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		content, err := files.ReadFile(name)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		header := w.Header()
		header.Set("Content-Type", contentType)
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-cache")
		http.ServeContent(w, r, path.Base(name), time.Time{}, bytes.NewReader(content))
	}
}
