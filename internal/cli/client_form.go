package cli

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"os"
	"path/filepath"
)

// videoForm is a multipart form around a file. It is never in memory as a whole: only what stands before and
// behind the file is made beforehand, so that the length is known and a server can refuse at once.
type videoForm struct {
	contentType string
	length      int64 // bytes, all in all
	body        io.Reader
}

// newVideoForm puts the options before the file, since the server reads the form as it arrives.
func newVideoForm(file *os.File, fields []formField) (*videoForm, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file that can be sent", file.Name())
	}
	frame := &bytes.Buffer{}
	form := multipart.NewWriter(frame)
	for _, field := range fields {
		if err := form.WriteField(field.name, field.value); err != nil {
			return nil, fmt.Errorf("make the form: %w", err)
		}
	}
	if _, err := form.CreateFormFile("file", filepath.Base(file.Name())); err != nil {
		return nil, fmt.Errorf("make the form: %w", err)
	}
	head := frame.Len()
	if err := form.Close(); err != nil {
		return nil, fmt.Errorf("make the form: %w", err)
	}
	return &videoForm{
		contentType: form.FormDataContentType(),
		length:      int64(frame.Len()) + info.Size(),
		body: io.MultiReader(
			bytes.NewReader(frame.Bytes()[:head]),
			io.LimitReader(file, info.Size()), // of a file that grows, what was there
			bytes.NewReader(frame.Bytes()[head:]),
		),
	}, nil
}
