// Package web is the page for people without curl: sign up, upload, watch, play, download. It is a client of
// the public API like any other and knows nothing that the API does not say.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"time"
)

//go:generate go tool -modfile=../tools/go.mod esbuild src/app.ts src/app.css src/index.html src/icon.svg --bundle --minify --target=es2022 --charset=utf8 --legal-comments=none --loader:.html=copy --loader:.svg=copy --log-level=warning --log-override:import-is-undefined=error --outdir=dist

//go:embed dist
var dist embed.FS

// policy lets the page load and call what comes from where it came from itself, and nothing inline: a name of
// a file that became HTML by some mistake could still do nothing.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; media-src 'self'; " +
	"img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// asset is a file as it is served.
type asset struct {
	content     []byte
	contentType string
	etag        string
}

// Handler serves the page at "/" and what it loads below "/assets/"; whatever else is asked of it is not found.
func Handler() (http.Handler, error) {
	mux := http.NewServeMux()
	files, err := fs.ReadDir(dist, "dist")
	if err != nil {
		return nil, fmt.Errorf("list assets: %w", err)
	}
	for _, file := range files {
		name := file.Name()
		a, err := load(name)
		if err != nil {
			return nil, err
		}
		if name == "index.html" {
			mux.Handle("GET /{$}", a)
		} else {
			mux.Handle("GET /assets/"+name, a)
		}
	}
	return mux, nil
}

func load(name string) (*asset, error) {
	content, err := dist.ReadFile(path.Join("dist", name))
	if err != nil {
		return nil, fmt.Errorf("read asset: %w", err)
	}
	contentType, found := contentTypes[path.Ext(name)]
	if !found {
		return nil, fmt.Errorf("asset %s is of no known type", name)
	}
	sum := sha256.Sum256(content)
	return &asset{content, contentType, `"` + hex.EncodeToString(sum[:16]) + `"`}, nil
}

// contentTypes is what the page is made of; the system's own table differs from machine to machine.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// ServeHTTP answers 304 to a browser that has the file already.
func (a *asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", a.contentType)
	header.Set("ETag", a.etag)
	header.Set("Cache-Control", "no-cache") // kept, but asked for each time: names don't change with content
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.content))
}
