package gateway

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/conversion"
)

func TestParseOption(t *testing.T) {
	var got conversion.Options
	for name, value := range map[string]string{
		"bitrate": " 128 ", "mono": "on", "sample_rate": "44100", "start": "1:02", "end": "90.5", "track": "2",
		"loudness": "-16", "no_tags": "false", "title": "é", "artist": "", "album": "A", "year": "1999", "vbr": "", "abr": "160",
	} {
		if err := parseOption(&got, name, value); err != nil {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
	start, end := conversion.Time(62*time.Second), conversion.Time(90500*time.Millisecond)
	want := conversion.Options{
		Bitrate: 128, ABR: 160, Mono: true, SampleRate: 44100, Start: &start, End: &end, Track: 2, Loudness: new(-16.0), Title: "é", Album: "A", Year: "1999",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for name, value := range map[string]string{
		"bitrate": "fast", "abr": "128k", "vbr": "2.5", "mono": "ja", "start": "soon", "loudness": "loud", "no_tags": "2", "colour": "red", "": "x",
	} {
		var refused *conversion.OptionError
		if err := parseOption(&conversion.Options{}, name, value); !errors.As(err, &refused) || refused.Field != name {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
}

// TestForm wants exactly one file, whatever its field is called, from bodies that are whole and ones that are not.
func TestForm(t *testing.T) {
	field := func(name, value string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n"
	}
	file := func(name string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"; filename=\"talk.mp4\"\r\n\r\ncontent\r\n"
	}
	const end = "--b--\r\n"
	var refused *conversion.OptionError
	for name, test := range map[string]struct {
		body  string
		files int
		want  func(error) bool // of what comes after the first file; nil for the end
	}{
		"a file":                 {file("file") + end, 1, nil},
		"under another name":     {field("mono", "true") + file("video") + end, 1, nil},
		"no file was chosen":     {field("file", "") + end, 0, func(err error) bool { return errors.Is(err, io.EOF) }},
		"a text beside the file": {field("file", "content") + file("video") + end, 1, nil},
		"no file":                {field("mono", "true") + end, 0, func(err error) bool { return errors.Is(err, io.EOF) }},
		"nothing":                {end, 0, func(err error) bool { return errors.Is(err, io.EOF) }},
		"two files":              {file("file") + file("file") + end, 1, func(err error) bool { return errors.Is(err, errFileCount) }},
		"a field behind":         {file("file") + field("mono", "true") + end, 1, func(err error) bool { return errors.As(err, &refused) }},
		"cut in the file":        {file("file")[:78], 1, func(err error) bool { return errors.Is(err, errBroken) }},
		"cut behind the file":    {file("file"), 1, func(err error) bool { return errors.Is(err, errBroken) }},
		"cut before the file":    {field("mono", "true"), 0, func(err error) bool { return errors.Is(err, errBroken) }},
		"empty body":             {"", 0, func(err error) bool { return errors.Is(err, errBroken) || errors.Is(err, io.EOF) }},
		"a long field":           {field("title", strings.Repeat("x", maxField+1)) + end, 0, func(err error) bool { return errors.As(err, &refused) && refused.Field == "title" }},
		"a field without end":    {strings.Repeat(field("title", "x"), maxParts+1) + end, 0, func(err error) bool { return errors.Is(err, errTooMany) }},
		"as many parts as fit":   {strings.Repeat(field("title", "x"), maxParts-1) + file("file") + end, 1, nil},
		"an unknown field's in":  {field("colour", "red") + file("file") + end, 0, func(err error) bool { return errors.As(err, &refused) && refused.Field == "colour" }},
	} {
		for kind, body := range map[string]io.Reader{"whole": strings.NewReader(test.body), "in bytes": iotest.OneByteReader(strings.NewReader(test.body))} {
			files, err := readForm(body, "b")
			ok := err == nil && test.want == nil || test.want != nil && err != nil && test.want(err)
			if !ok || files != test.files {
				t.Errorf("%s, %s: %d files, %v", name, kind, files, err)
			}
		}
	}
}

// readForm reads a form as takeUpload does, and counts files until an error.
func readForm(body io.Reader, boundary string) (files int, err error) {
	var options conversion.Options
	f := &form{reader: multipart.NewReader(body, boundary)}
	part, err := f.nextFile(func(name, value string) error { return parseOption(&options, name, value) })
	if err != nil {
		return 0, err
	}
	if _, err := io.Copy(io.Discard, part); err != nil {
		return 1, errors.Join(errBroken, err)
	}
	return 1, f.rest(refuseField)
}

func FuzzForm(f *testing.F) {
	var body bytes.Buffer
	writer := multipart.NewWriter(&body)
	_ = writer.SetBoundary("b")
	_ = writer.WriteField("start", "1:02")
	part, _ := writer.CreateFormFile("file", "talk.mp4")
	_, _ = part.Write([]byte("content"))
	_ = writer.Close()
	f.Add(body.Bytes())
	f.Add([]byte("--b\r\nContent-Disposition: form-data; name=file; filename*=UTF-8''%00\r\n\r\n\r\n--b--"))
	f.Fuzz(func(t *testing.T, body []byte) {
		files, err := readForm(bytes.NewReader(body), "b")
		var refused *conversion.OptionError
		for _, known := range []error{io.EOF, errBroken, errFileCount, errTooMany} {
			if err == nil || errors.Is(err, known) || errors.As(err, &refused) {
				return
			}
		}
		t.Errorf("%d files, %v: an error that nobody knows", files, err)
	})
}

func TestCleanName(t *testing.T) {
	for given, want := range map[string]string{
		"talk.mp4": "talk.mp4", "/etc/passwd": "passwd", `C:\Users\ada\talk.mp4`: "talk.mp4", "../../x": "x", "a\r\nBcc: x": "aBcc: x",
		"": "video", ".": "video", "..": "video", "/": "video", "a/": "a", "\x00": "video", " \t ": "video", "caf\xe9.mp4": "caf\uFFFD.mp4",
		"\u202Egpj.exe": "gpj.exe", ".hidden": ".hidden", "/\x01../": "video", ".\x01.": "video",
	} {
		if got := cleanName(given); got != want {
			t.Errorf("cleanName(%q) = %q, want %q", given, got, want)
		}
	}
}

// FuzzName follows a name from an upload to the header of a download.
func FuzzName(f *testing.F) {
	for _, seed := range []string{"talk.mp4", "a\"b;c%41\\", "é.mkv", strings.Repeat("é", 200), "\u202E", "..", "a.b.c", ".mp4", " x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		name := cleanName(given)
		if name == "" || len(name) > maxName || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) || strings.ContainsAny(name, `/\`) {
			t.Fatalf("%q became %q", given, name)
		}
		if again := cleanName(name); again != name {
			t.Errorf("%q became %q and then %q", given, name, again)
		}
		mp3 := mp3Name(name)
		header := attachment(mp3)
		kind, params, err := mime.ParseMediaType(header)
		if err != nil || kind != "attachment" || params["filename"] != mp3 {
			t.Errorf("%q is sent as %s and read as %q, %v", mp3, header, params["filename"], err)
		}
		for _, c := range []byte(header) {
			if c < ' ' || c > '~' {
				t.Fatalf("%q puts a byte %x into a header", mp3, c)
			}
		}
	})
}
