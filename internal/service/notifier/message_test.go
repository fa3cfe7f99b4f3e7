package notifier

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/mail"
)

var update = flag.Bool("update", false, "write the golden mails anew")

func completed() conversion.Conversion {
	return conversion.Conversion{
		ID:       "6b033c4259dafd7437a38151",
		Username: "ada@example.com",
		Status:   conversion.Completed,
		Video:    conversion.Video{Name: "talk.mp4", Size: 122532426},
		MP3: &conversion.MP3{
			Size: 9600000, Duration: 10 * time.Minute, Bitrate: 127996, SampleRate: 44100, Channels: 2,
		},
		FinishedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		ExpiresAt:  time.Date(2026, 2, 1, 3, 4, 5, 0, time.UTC),
	}
}

func failed(slug conversion.Slug, detail string) conversion.Conversion {
	c := completed()
	c.Status, c.MP3, c.Failure = conversion.Failed, nil, conversion.Fail(slug, detail)
	return c
}

const (
	home     = "https://unreel.example.com"
	download = home + "/v1/conversions/6b033c4259dafd7437a38151/mp3?expires=1&signature=a"
)

func compose(t *testing.T, c conversion.Conversion) mail.Message {
	t.Helper()
	return composeWith(t, c, Links{Home: home, Download: download})
}

func composeWith(t *testing.T, c conversion.Conversion, links Links) mail.Message {
	t.Helper()
	message, err := Compose(c, links)
	if err != nil {
		t.Fatal(err)
	}
	return message
}

// TestGolden compares whole mails; -update writes them after a change that was meant.
func TestGolden(t *testing.T) {
	full := completed()
	full.MP3.Copied, full.MP3.Channels = true, 1
	full.MP3.Warnings = []string{"The last 3 seconds could not be read.", "<b>Two</b> & more"}
	full.Video.Name = `<script>alert("1")</script> & Grüße.mp4`
	forever := completed()
	forever.ExpiresAt = time.Time{}
	soon := Links{Home: home, Download: download, Until: time.Date(2026, 1, 9, 0, 0, 0, 0, time.UTC)}
	golden(t, "link-ends-first.txt", composeWith(t, completed(), soon).Text)
	golden(t, "link-ends.txt", composeWith(t, forever, soon).Text)
	for name, c := range map[string]conversion.Conversion{
		"completed":     completed(),
		"completed-all": full,
		"kept-for-ever": forever,
		"no-sound":      failed(conversion.NoAudioStream, "talk.mp4 has a picture, but no sound."),
		"hostile":       failed(conversion.CorruptMedia, "<img src=x>\r\nat byte\x00 7"),
		"no-detail":     failed(conversion.Internal, ""),
	} {
		t.Run(name, func(t *testing.T) {
			got := compose(t, c)
			golden(t, name+".txt", "Message-ID: "+got.ID+"\nTo: "+got.To+"\nSubject: "+got.Subject+"\n\n"+got.Text)
			golden(t, name+".html", got.HTML)
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// TestContract holds what is promised to the reader of a mail.
func TestContract(t *testing.T) {
	ready := compose(t, completed())
	if want := "Your MP3 is ready: talk.mp4"; ready.Subject != want {
		t.Errorf("subject is %q, want %q", ready.Subject, want)
	}
	if !strings.Contains(ready.Text, download) {
		t.Errorf("the text lacks the link:\n%s", ready.Text)
	}
	if want := strings.ReplaceAll(download, "&", "&amp;"); !strings.Contains(ready.HTML, want) {
		t.Errorf("the HTML lacks the link:\n%s", ready.HTML)
	}
	for slug := range advice {
		got := compose(t, failed(slug, "Some detail."))
		if !strings.HasSuffix(got.Subject, "could not be converted: talk.mp4") {
			t.Errorf("%s: subject is %q", slug, got.Subject)
		}
		for _, want := range []string{string(completed().ID), slug.Title(), "Some detail.", advice[slug], home} {
			if !strings.Contains(got.Text, want) {
				t.Errorf("%s: the text lacks %q", slug, want)
			}
		}
	}
	if got := adviceOn("from-the-future"); got != advice[conversion.Internal] {
		t.Errorf("an unknown slug gets the advice %q", got)
	}
}

func TestNothingToTell(t *testing.T) {
	queued, withoutMP3, withoutFailure := completed(), completed(), failed("", "")
	queued.Status, withoutMP3.MP3, withoutFailure.Failure = conversion.Queued, nil, nil
	for _, c := range []conversion.Conversion{queued, withoutMP3, withoutFailure} {
		if _, err := Compose(c, Links{Home: home, Download: download}); err == nil {
			t.Errorf("a mail was composed of %+v", c)
		}
	}
}

func TestMessageID(t *testing.T) {
	for home, want := range map[string]string{
		"http://localhost:8080":      "localhost",
		"https://unreel.example.com": "unreel.example.com",
		"http://[::1]:8080":          "--1",
		"https://bücher.example":     "b-cher.example",
		"":                           "localhost",
	} {
		if got := messageID(completed(), home); got != "6b033c4259dafd7437a38151.completed.1767323045000@"+want {
			t.Errorf("%q: %q, want the host %q", home, got, want)
		}
	}
	again := completed()
	again.FinishedAt = again.FinishedAt.Add(time.Second)
	if messageID(again, home) == messageID(completed(), home) {
		t.Error("another end has the same Message-ID")
	}
}

func TestOneLine(t *testing.T) {
	for text, want := range map[string]string{
		"talk.mp4":                          "talk.mp4",
		"Grüße 日本語 🎬.mp4":                   "Grüße 日本語 🎬.mp4",
		"a\r\nBcc: eve@example.com":         "a Bcc: eve@example.com",
		" a\tb\u2028c\x00d\x7f\u0085 ":      "a b c d",
		"photo\u202Egpj.exe\u2066x\uFEFF":   "photogpj.exex",
		"\xff\xfe":                          "\uFFFD",
		"":                                  "",
		strings.Repeat("ü", maxName):        strings.Repeat("ü", maxName),
		strings.Repeat("ü", maxName) + "ab": strings.Repeat("ü", maxName-1) + "…",
	} {
		if got := oneLine(text, maxName); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestNoName(t *testing.T) {
	c := completed()
	c.Video.Name = " \u202E\n"
	if got, want := compose(t, c).Subject, "Your MP3 is ready: your video"; got != want {
		t.Errorf("subject is %q, want %q", got, want)
	}
}

// FuzzCompose looks for a name that gets out of its place.
func FuzzCompose(f *testing.F) {
	for _, seed := range []string{"talk.mp4", "a\r\nBcc: b", "<script>", "{{.ID}}", "\u202E", "\xff", `"><a href="x`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		c := completed()
		c.Video.Name = name
		got := compose(t, c)
		if !utf8.ValidString(got.Subject) || strings.ContainsFunc(got.Subject, unicode.IsControl) {
			t.Errorf("subject is %q", got.Subject)
		}
		plain := compose(t, completed())
		if got, want := strings.Count(got.Text, "\n"), strings.Count(plain.Text, "\n"); got != want {
			t.Errorf("the text has %d lines, want %d", got, want)
		}
		if got, want := strings.Count(got.HTML, "<"), strings.Count(plain.HTML, "<"); got != want {
			t.Errorf("the HTML has %d tags, want %d", got, want)
		}
	})
}
