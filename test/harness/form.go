package harness

import (
	"bytes"
	"io"
	"mime/multipart"
	"os"
	"path/filepath"
	"testing"
)

// Part is one part of a form: a field, or a file if it has a file name.
type Part struct{ Field, File, Content string }

// Form is a multipart body with these parts.
func Form(t testing.TB, parts ...Part) (contentType string, body *bytes.Buffer) {
	t.Helper()
	body = &bytes.Buffer{}
	writer := multipart.NewWriter(body)
	for _, p := range parts {
		var w io.Writer
		var err error
		if p.File != "" {
			w, err = writer.CreateFormFile(p.Field, p.File)
		} else {
			w, err = writer.CreateFormField(p.Field)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, p.Content); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return writer.FormDataContentType(), body
}

// File is a part with the content of a file.
func File(t testing.TB, path string) Part {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return Part{"file", filepath.Base(path), string(raw)}
}
