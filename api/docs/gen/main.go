// Gen makes the page that package docs serves from the specification.
package main

import (
	"bytes"
	_ "embed"
	"flag"
	"fmt"
	"html/template"
	"os"
	"regexp"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

//go:embed page.tmpl
var page string

func main() {
	spec := flag.String("spec", "openapi.yaml", "the specification to read")
	out := flag.String("out", "index.html", "the page to write")
	flag.Parse()
	if err := run(*spec, *out); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1) //nolint:forbidigo // this is a main of its own
	}
}

func run(spec, out string) error {
	loader := openapi3.NewLoader()
	loader.IncludeOrigin = true // keeps the order in which things were written
	doc, err := loader.LoadFromFile(spec)
	if err != nil {
		return fmt.Errorf("read %s: %w", spec, err)
	}
	tmpl, err := template.New("page").Funcs(template.FuncMap{"prose": prose, "inline": inline}).Parse(page)
	if err != nil {
		return fmt.Errorf("read the template: %w", err)
	}
	var buf bytes.Buffer
	if err := tmpl.Execute(&buf, newPage(doc)); err != nil {
		return fmt.Errorf("fill the template: %w", err)
	}
	return os.WriteFile(out, buf.Bytes(), 0o644) //nolint:gosec // it is published
}

var code = regexp.MustCompile("`([^`]+)`")

// inline makes code of what stands between backticks; the specification uses no more of CommonMark than
// that and paragraphs.
func inline(text string) template.HTML {
	return template.HTML(code.ReplaceAllString(template.HTMLEscapeString(strings.TrimSpace(text)), "<code>$1</code>")) //nolint:gosec // escaped here
}

func prose(text string) template.HTML {
	var b strings.Builder
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		b.WriteString("<p>" + string(inline(paragraph)) + "</p>\n")
	}
	return template.HTML(b.String()) //nolint:gosec // inline has escaped it
}
