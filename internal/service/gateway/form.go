package gateway

import (
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/unreel/unreel/internal/conversion"
)

const (
	// maxField is the longest value of an option in a form, in bytes.
	maxField = 4 << 10
	// maxParts is how many parts a form may have: every option, a file and some to spare.
	maxParts = 64
	// maxName is the longest name of a video that is kept, in bytes.
	maxName = 255
)

var (
	errFileCount = errors.New("exactly 1 file required")
	errTooMany   = errors.New("form has too many parts")
)

// form reads a multipart body part by part, so that a file is never held in memory or put on disk by the
// parser.
type form struct {
	reader *multipart.Reader
	parts  int
}

// nextFile passes fields to the function until a file comes, or io.EOF; nil passes over them. A part is a file if it has
// a file name. The field "file" without one is what a browser sends where no file was chosen.
func (f *form) nextFile(field func(name, value string) error) (*multipart.Part, error) {
	for {
		part, err := f.reader.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errBroken, err)
		}
		if f.parts++; f.parts > maxParts {
			return nil, errTooMany
		}
		if part.FileName() != "" {
			return part, nil
		}
		if field == nil || part.FormName() == "file" {
			continue
		}
		value, err := io.ReadAll(io.LimitReader(part, maxField+1))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errBroken, err)
		}
		if err := checkLength(part.FormName(), value); err != nil {
			return nil, err
		}
		if err := field(part.FormName(), string(value)); err != nil {
			return nil, err
		}
	}
}

// checkLength refuses a value that no option needs.
func checkLength(name string, value []byte) error {
	if len(value) > maxField {
		return &conversion.OptionError{Field: name, Detail: fmt.Sprintf("must be at most %d bytes", maxField)}
	}
	return nil
}

// rest makes sure that nothing comes behind the file.
func (f *form) rest(field func(name, value string) error) error {
	_, err := f.nextFile(field)
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err == nil:
		return errFileCount
	default:
		return err
	}
}

func refuseField(name, _ string) error {
	return &conversion.OptionError{Field: name, Detail: "must come before the file"}
}

// parseOption sets one option from a form's field. An empty value leaves the default, as a form's
// untouched input does.
func parseOption(o *conversion.Options, name, value string) error {
	set, known := optionFields[name]
	if !known {
		return &conversion.OptionError{Field: name, Detail: "is not an option"}
	}
	if value == "" {
		return nil
	}
	if err := set(o, value); err != nil {
		return &conversion.OptionError{Field: name, Detail: err.Error()}
	}
	return nil
}

var optionFields = map[string]func(o *conversion.Options, value string) error{
	"bitrate":     func(o *conversion.Options, v string) error { return parseCount(&o.Bitrate, v) },
	"abr":         func(o *conversion.Options, v string) error { return parseCount(&o.ABR, v) },
	"vbr":         func(o *conversion.Options, v string) error { o.VBR = new(int); return parseInt(o.VBR, v) },
	"mono":        func(o *conversion.Options, v string) error { return parseBool(&o.Mono, v) },
	"sample_rate": func(o *conversion.Options, v string) error { return parseCount(&o.SampleRate, v) },
	"start":       func(o *conversion.Options, v string) error { return parsePosition(&o.Start, v) },
	"end":         func(o *conversion.Options, v string) error { return parsePosition(&o.End, v) },
	"track":       func(o *conversion.Options, v string) error { return parseCount(&o.Track, v) },
	"loudness":    parseLoudness,
	"no_tags":     func(o *conversion.Options, v string) error { return parseBool(&o.NoTags, v) },
	"title":       func(o *conversion.Options, v string) error { o.Title = v; return nil },
	"artist":      func(o *conversion.Options, v string) error { o.Artist = v; return nil },
	"album":       func(o *conversion.Options, v string) error { o.Album = v; return nil },
	"year":        func(o *conversion.Options, v string) error { o.Year = v; return nil },
}

// parseCount is parseInt for what is never 0, which stands for the default.
func parseCount(into *int, value string) error {
	if err := parseInt(into, value); err != nil {
		return err
	}
	if *into == 0 {
		return errors.New("must not be 0: leave it out for the default")
	}
	return nil
}

func parseInt(into *int, value string) error {
	number, err := strconv.Atoi(strings.TrimSpace(value))
	if err != nil {
		return errors.New("must be a whole number")
	}
	*into = number
	return nil
}

// parseBool also reads what a browser sends for a ticked checkbox.
func parseBool(into *bool, value string) error {
	if value == "on" {
		value = "true"
	}
	parsed, err := strconv.ParseBool(value)
	if err != nil {
		return errors.New("must be true or false")
	}
	*into = parsed
	return nil
}

func parsePosition(into **conversion.Time, value string) error {
	parsed, err := conversion.ParseTime(value)
	if err != nil {
		return err
	}
	*into = &parsed
	return nil
}

func parseLoudness(o *conversion.Options, value string) error {
	loudness, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return errors.New("must be a number of LUFS, such as -16")
	}
	o.Loudness = &loudness
	return nil
}

// cleanName makes a label of the name that an uploader gave a file: no folders, no control characters, not
// too long.
func cleanName(name string) string {
	name = path.Base(strings.ReplaceAll(strings.ToValidUTF8(name, "\uFFFD"), `\`, "/"))
	name = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, name))
	for len(name) > maxName {
		_, last := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-last]
	}
	if name == "" || name == "." || name == ".." || name == "/" {
		return "video"
	}
	return name
}
