package cli

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

func TestDownloadPlaces(t *testing.T) {
	const disposition = `attachment; filename="talk_.mp3"; filename*=UTF-8''talk%C3%BC.mp3`
	tests := []struct{ name, arguments, want string }{
		{"here, named after the video", "", "talkü.mp3"},
		{"under another name", "-o other.mp3", "other.mp3"},
		{"into a folder", "-o folder", "folder/talkü.mp3"},
		{"into a folder that ends in a slash", "--output=folder/", "folder/talkü.mp3"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := fakeGateway(t, map[string]http.HandlerFunc{
				"GET /v1/conversions/" + testID + "/mp3": mp3Answer("sound", disposition),
			})
			loggedIn(t, server.URL)
			if err := os.Mkdir("folder", 0o700); err != nil {
				t.Fatal(err)
			}
			ran := run(t, append([]string{"download", strings.ToUpper(testID)}, strings.Fields(test.arguments)...)...)
			ran.expect(t, exitDone)
			if ran.out != test.want+"\n" {
				t.Errorf("printed %q", ran.out)
			}
			if got := readFile(t, test.want); got != "sound" {
				t.Errorf("the file has %q", got)
			}
			if left := append(names(t, "."), names(t, "folder")...); len(left) != 2 {
				t.Errorf("files: %q", left)
			}
		})
	}
}

func TestDownloadToTheOutput(t *testing.T) {
	server := fakeGateway(t, map[string]http.HandlerFunc{"GET /v1/conversions/{id}/mp3": mp3Answer("sound", "")})
	loggedIn(t, server.URL)
	ran := run(t, "download", testID, "-o", "-")
	ran.expect(t, exitDone)
	if ran.out != "sound" || len(names(t, ".")) != 0 {
		t.Errorf("printed %q, files %q", ran.out, names(t, "."))
	}
}

func TestDownloadReplacesNothingUnasked(t *testing.T) {
	asked := 0
	server := fakeGateway(t, map[string]http.HandlerFunc{
		"GET /v1/conversions/{id}/mp3": func(w http.ResponseWriter, r *http.Request) {
			asked++
			mp3Answer("sound", `attachment; filename="talk.mp3"`)(w, r)
		},
	})
	loggedIn(t, server.URL)
	writeFile(t, "talk.mp3", "mine")
	if err := os.Symlink("nowhere", "link.mp3"); err != nil {
		t.Fatal(err)
	}
	run(t, "download", testID).expect(t, exitFailed, "talk.mp3 exists", "--force")
	asked = 0
	run(t, "download", testID, "-o", "talk.mp3").expect(t, exitFailed, "--force")
	run(t, "download", testID, "-o", "link.mp3").expect(t, exitFailed, "--force")
	if asked != 0 {
		t.Error("an MP3 was fetched that has no place")
	}
	if got := readFile(t, "talk.mp3"); got != "mine" {
		t.Errorf("the file has %q", got)
	}
	run(t, "download", testID, "--force").expect(t, exitDone)
	if got := readFile(t, "talk.mp3"); got != "sound" {
		t.Errorf("the file has %q", got)
	}
	if diff := cmp.Diff([]string{"link.mp3", "talk.mp3"}, names(t, ".")); diff != "" {
		t.Error(diff)
	}
}

func TestDownloadLosesToWhoeverIsFaster(t *testing.T) {
	server := fakeGateway(t, map[string]http.HandlerFunc{
		"GET /v1/conversions/{id}/mp3": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "5")
			mp3Answer("so", `attachment; filename="talk.mp3"`)(w, r)
			_ = http.NewResponseController(w).Flush()
			for len(names(t, ".")) == 0 && r.Context().Err() == nil { // until the client has looked
				runtime.Gosched()
			}
			writeFile(t, "talk.mp3", "mine")
			_, _ = w.Write([]byte("und"))
		},
	})
	loggedIn(t, server.URL)
	run(t, "download", testID).expect(t, exitFailed, "talk.mp3 exists")
	if left := names(t, "."); len(left) != 1 || readFile(t, "talk.mp3") != "mine" {
		t.Errorf("files: %q", left)
	}
}

func TestBrokenDownloadLeavesNothing(t *testing.T) {
	tests := []struct {
		name   string
		handle http.HandlerFunc
		text   string
	}{
		{"cut off", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			mp3Answer("only a part", "")(w, r)
		}, "unexpected EOF"},
		{"not ready", refuse(http.StatusConflict, "conflict", "It is not ready yet."), "unreel: It is not ready yet.\n"},
		{"no MP3", answer(http.StatusOK, "a page"), `"application/json" instead of an MP3`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := fakeGateway(t, map[string]http.HandlerFunc{"GET /v1/conversions/{id}/mp3": test.handle})
			loggedIn(t, server.URL)
			writeFile(t, "x.mp3", "mine")
			run(t, "download", testID, "--force", "-o", "x.mp3").expect(t, exitFailed, test.text)
			if left := names(t, "."); len(left) != 1 || readFile(t, "x.mp3") != "mine" {
				t.Errorf("files: %q", left)
			}
		})
	}
}

func TestDownloadNamesTheFolderThatIsMissing(t *testing.T) {
	server := fakeGateway(t, map[string]http.HandlerFunc{"GET /v1/conversions/{id}/mp3": mp3Answer("sound", "")})
	loggedIn(t, server.URL)
	ran := run(t, "download", testID, "-o", "missing/x.mp3")
	ran.expect(t, exitFailed, "missing/x.mp3: no such file")
	if strings.Contains(ran.err, ".part") {
		t.Errorf("it said %q", ran.err)
	}
}

func TestSafeNames(t *testing.T) {
	tests := []struct{ disposition, want string }{
		{`attachment; filename="talk.mp3"`, "talk.mp3"},
		{`attachment; filename="plain.mp3"; filename*=UTF-8''gr%C3%BC%C3%9Fe.mp3`, "grüße.mp3"},
		{`attachment; filename="../../etc/passwd"`, "passwd"},
		{`attachment; filename="C:\\Users\\ada\\talk.mp3"`, "talk.mp3"},
		{`attachment; filename="/"`, "id.mp3"},
		{`attachment; filename=".."`, "id.mp3"},
		{`attachment; filename=".bashrc"`, "bashrc"},
		{`attachment; filename*=UTF-8''a%1B%5B31mb%00.mp3`, "a_[31mb_.mp3"},
		{`attachment; filename="` + strings.Repeat("x", 300) + `"`, "id.mp3"},
		{`attachment`, "id.mp3"},
		{``, "id.mp3"},
		{`;;;`, "id.mp3"},
	}
	for _, test := range tests {
		if got := safeName(test.disposition, "id.mp3"); got != test.want {
			t.Errorf("%q: got %q, want %q", test.disposition, got, test.want)
		}
	}
}

func FuzzSafeName(f *testing.F) {
	f.Add(`attachment; filename="../talk.mp3"`)
	f.Add(`attachment; filename*=UTF-8''..%2F%00.mp3`)
	f.Fuzz(func(t *testing.T, disposition string) {
		name := safeName(disposition, "id.mp3")
		unprintable := strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) })
		if name == "" || name != filepath.Base(name) || !filepath.IsLocal(name) || name[0] == '.' ||
			unprintable || len(name) > maxFileName {
			t.Errorf("%q gives %q", disposition, name)
		}
	})
}

func TestNewFileHasItsNameOnlyWhenComplete(t *testing.T) {
	t.Chdir(t.TempDir())
	file, err := newFile("x", 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.discard()
	if _, err := file.WriteString("new"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("x"); err == nil {
		t.Error("it has its name too early")
	}
	writeFile(t, "x", "of somebody who was faster")
	if err := file.add(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v", err)
	}
	file.discard()
	if diff := cmp.Diff([]string{"x"}, names(t, ".")); diff != "" || readFile(t, "x") != "of somebody who was faster" {
		t.Error(diff)
	}
	_, err = newFile(filepath.Join("missing", "y"), 0o600)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), filepath.Join("missing", "y")) {
		t.Errorf("got %v", err)
	}
}
