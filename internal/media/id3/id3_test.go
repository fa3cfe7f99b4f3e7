package id3_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unreel/unreel/internal/media/id3"
	"github.com/unreel/unreel/internal/media/mediatest"
)

func TestTag(t *testing.T) {
	hostile := "a\x00b\x1b[31m\nc\u202e \xff日本"
	tests := map[string]struct {
		tag         id3.Tag
		key, wanted string
	}{
		"title":        {id3.Tag{Title: "Żółw 日本 🎵"}, "title", "Żółw 日本 🎵"},
		"artist":       {id3.Tag{Artist: "A=B;C\\D"}, "artist", `A=B;C\D`},
		"album":        {id3.Tag{Album: strings.Repeat("x", 500)}, "album", strings.Repeat("x", 500)},
		"year":         {id3.Tag{Year: "2024"}, "date", "2024"},
		"no new field": {id3.Tag{Title: hostile}, "title", "ab[31m c\u202e 日本"},
	}
	frames := mediatest.Bytes(t, mediatest.Spec{Container: "mp3", Extra: "-id3v2_version 0"})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			head, err := test.tag.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			path := mediatest.File(t, "tagged.mp3", append(head, frames...))
			if got := probeTag(t, path, test.key); got != test.wanted {
				t.Errorf("got %q, want %q", got, test.wanted)
			}
		})
	}
}

func probeTag(t *testing.T, path, key string) string {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-show_entries", "format_tags="+key, "-of", "csv=p=0:e=none", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Trim(strings.TrimSpace(string(out)), `"`)
}

func TestTagCover(t *testing.T) {
	picture := filepath.Join(t.TempDir(), "cover.png")
	if out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=32x32:d=0.04", "-frames:v", "1",
		picture).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	png, err := os.ReadFile(picture)
	if err != nil {
		t.Fatal(err)
	}
	head, err := id3.Tag{Cover: png}.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(head, png) || !bytes.Contains(head, []byte("image/png")) {
		t.Error("the picture is not in the tag")
	}
	if _, err := (id3.Tag{Cover: []byte("<svg/>")}).Bytes(); err == nil {
		t.Error("a cover that is no picture was taken")
	}
	if head, err := (id3.Tag{Title: " \x00"}).Bytes(); err != nil || head != nil {
		t.Errorf("an empty tag has %d bytes, %v", len(head), err)
	}
}
