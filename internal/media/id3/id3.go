// Package id3 makes the tag of an MP3 (ID3v2.4, id3.org/id3v2.4.0-structure). It is no part of package mp3 because of what
// it brings along: the parallel encoder, which is loaded with every conversion, has to do with frames only.
package id3

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"github.com/bogem/id3v2/v2"
)

// Tag is what a player shows of an MP3. Empty fields are left out.
type Tag struct {
	Title  string
	Artist string
	Album  string
	Year   string
	Cover  []byte // a JPEG or PNG
}

// CoverType returns the media type of a picture that can be a cover; false for anything else.
func CoverType(picture []byte) (string, bool) {
	switch kind := http.DetectContentType(picture); kind {
	case "image/jpeg", "image/png":
		return kind, true
	default:
		return "", false
	}
}

// Bytes is the tag as ID3v2.4, to be put before the frames; nothing if the tag is empty. A cover that is
// no picture is an error.
func (t Tag) Bytes() ([]byte, error) {
	tag := id3v2.NewEmptyTag()
	tag.SetVersion(4)
	tag.SetDefaultEncoding(id3v2.EncodingUTF8)
	for _, field := range []struct {
		id, text string
	}{{"TIT2", t.Title}, {"TPE1", t.Artist}, {"TALB", t.Album}, {"TDRC", t.Year}} {
		if text := clean(field.text); text != "" {
			tag.AddTextFrame(field.id, id3v2.EncodingUTF8, text)
		}
	}
	if len(t.Cover) > 0 {
		kind, ok := CoverType(t.Cover)
		if !ok {
			return nil, errors.New("the cover must be a JPEG or PNG picture")
		}
		tag.AddAttachedPicture(id3v2.PictureFrame{
			Encoding: id3v2.EncodingUTF8, MimeType: kind, PictureType: id3v2.PTFrontCover, Picture: t.Cover,
		})
	}
	if !tag.HasFrames() {
		return nil, nil
	}
	var out bytes.Buffer
	if _, err := tag.WriteTo(&out); err != nil {
		return nil, fmt.Errorf("write tag: %w", err)
	}
	return out.Bytes(), nil
}

// clean makes a text safe for a tag: in ID3v2.4 a zero byte would begin another value, and control
// characters do harm in terminals and players alike.
func clean(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == unicode.ReplacementChar:
			return -1
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r):
			return -1
		default:
			return r
		}
	}, text))
}
