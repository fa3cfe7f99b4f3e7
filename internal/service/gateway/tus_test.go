package gateway

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestUploadInPieces(t *testing.T) {
	w := newWorld(t)
	metadata := "filename " + encoded("../Día.mp4") + ",vbr " + encoded("4") + ", filetype " + encoded("video/mp4") + ",mono " + encoded("on")
	path := w.announce(len(content), "Upload-Metadata", metadata)
	response, _ := w.tus("HEAD", path, nil)
	for name, want := range map[string]string{
		"Upload-Offset": "0", "Upload-Length": strconv.Itoa(len(content)), "Upload-Metadata": metadata, "Cache-Control": "no-store",
	} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	expires, err := http.ParseTime(response.Header.Get("Upload-Expires"))
	if left := time.Until(expires); err != nil || left < 23*time.Hour || left > 25*time.Hour {
		t.Errorf("Upload-Expires: %v, %v", expires, err)
	}
	at := 0
	for _, cut := range []int{1, 1, 1000, 300_000, len(content)} {
		if response, body := w.do("GET", "/v1/conversions/"+string(idOf(path)), nil); response.StatusCode != http.StatusNotFound {
			t.Errorf("the conversion is there with %d bytes: %s", at, body)
		}
		w.patched(path, at, content[at:cut])
		at = cut
	}
	w.wantWhole(path, content)
	record, err := w.ledger.Peek(t.Context(), idOf(path))
	w.must(err)
	if record.Video.Name != "Día.mp4" || *record.Options.VBR != 4 || !record.Options.Mono || record.Username != "ada@example.com" {
		t.Errorf("record: %+v", record)
	}
	if response, _ := w.tus("HEAD", path, nil); response.Header.Get("Upload-Expires") != "" || response.Header.Get("Upload-Metadata") != metadata {
		t.Errorf("once it is complete: %v", response.Header)
	}
	response, body := w.patch(path, len(content)-10, content[:10])
	w.wantProblem(response, body, 409, "wrong-offset")
	w.patched(path, len(content), nil)
	if stored := w.videos(); len(stored) != 1 {
		t.Errorf("stored: %v", stored)
	}
}

func TestCreationWithUpload(t *testing.T) {
	w := newWorld(t)
	stream := []string{"Content-Type", offsetStream, "Upload-Length", strconv.Itoa(len(content))}
	for _, first := range []int{100, len(content)} {
		response, body := w.tus("POST", "/v1/uploads", bytes.NewReader(content[:first]), stream...)
		path := response.Header.Get("Location")
		if response.StatusCode != http.StatusCreated || response.Header.Get("Upload-Offset") != strconv.Itoa(first) {
			t.Fatalf("got %d %s, %v", response.StatusCode, body, response.Header)
		}
		if first < len(content) {
			w.patched(path, first, content[first:])
		}
		w.wantWhole(path, content)
	}
}

func TestDescribeUploads(t *testing.T) {
	w := newWorld(t)
	request := httptest.NewRequest(http.MethodOptions, "/v1/uploads", nil) // of nobody, who says no version
	recorder := httptest.NewRecorder()
	w.Handler().ServeHTTP(recorder, request)
	got := map[string]string{}
	for name := range recorder.Header() {
		if strings.HasPrefix(name, "Tus-") {
			got[name] = recorder.Header().Get(name)
		}
	}
	want := map[string]string{
		"Tus-Resumable": "1.0.0", "Tus-Version": "1.0.0", "Tus-Max-Size": "1048576",
		"Tus-Extension": "creation,creation-with-upload,termination,expiration,checksum", "Tus-Checksum-Algorithm": "sha1,sha256,md5",
	}
	if diff := cmp.Diff(want, got); diff != "" || recorder.Code != http.StatusNoContent {
		t.Errorf("%d (-want +got):\n%s", recorder.Code, diff)
	}
}

// TestUploadRefused wants nothing to be left of an upload that was refused at its creation, and to be told why.
func TestUploadRefused(t *testing.T) {
	length := []string{"Upload-Length", "1000"}
	metadata := func(text string) []string { return append([]string{"Upload-Metadata", text}, length...) }
	for name, test := range map[string]struct {
		header []string
		body   string
		status int
		slug   string
		field  string
	}{
		"no length":             {nil, "", 422, "invalid", "Upload-Length"},
		"a length that is none": {[]string{"Upload-Length", "x"}, "", 422, "invalid", "Upload-Length"},
		"nothing":               {[]string{"Upload-Length", "0"}, "", 422, "invalid", "Upload-Length"},
		"less than nothing":     {[]string{"Upload-Length", "-1"}, "", 422, "invalid", "Upload-Length"},
		"a length to come":      {[]string{"Upload-Defer-Length", "1"}, "", 422, "invalid", "Upload-Defer-Length"},
		"too much":              {[]string{"Upload-Length", "1048577"}, "", 413, "too-large", ""},
		"no option":             {metadata("bitrat " + encoded("192")), "", 422, "invalid", "bitrat"},
		"a wrong option":        {metadata("bitrate " + encoded("193")), "", 422, "invalid", "bitrate"},
		"options that clash":    {metadata("bitrate " + encoded("192") + ",vbr " + encoded("2")), "", 422, "invalid", ""},
		"no base64":             {metadata("filename talk.mp4"), "", 422, "invalid", "filename"},
		"no key":                {metadata(",vbr " + encoded("2")), "", 422, "invalid", "Upload-Metadata"},
		"a key twice":           {metadata("vbr " + encoded("2") + ",vbr " + encoded("3")), "", 422, "invalid", "vbr"},
		"a long value":          {metadata("title " + encoded(strings.Repeat("x", 5000))), "", 422, "invalid", "title"},
		"long metadata":         {metadata("filename " + strings.Repeat("x", 17000)), "", 422, "invalid", "Upload-Metadata"},
		"a body of no type":     {length, "x", 415, "unsupported-media-type", ""},
		"too long a body":       {[]string{"Upload-Length", "1", "Content-Type", offsetStream}, "xy", 413, "beyond-length", ""},
		"a checksum of no kind": {append([]string{"Content-Type", offsetStream, "Upload-Checksum", "crc32 AAAAAA=="}, length...), "x", 422, "invalid", "Upload-Checksum"},
		"half a checksum":       {append([]string{"Content-Type", offsetStream, "Upload-Checksum", "sha1 AAAA"}, length...), "x", 422, "invalid", "Upload-Checksum"},
		"a wrong checksum":      {append([]string{"Content-Type", offsetStream, "Upload-Checksum", sha1Of("y")}, length...), "x", 460, "checksum-mismatch", ""},
		"another version":       {append([]string{"Tus-Resumable", "0.2.2"}, length...), "", 412, "tus-version", ""},
		"a bad token":           {append([]string{"Authorization", "Bearer x"}, length...), "", 401, "invalid-token", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			response, body := w.tus("POST", "/v1/uploads", strings.NewReader(test.body), test.header...)
			w.wantProblem(response, body, test.status, test.slug)
			if test.field != "" && !strings.Contains(string(body), fmt.Sprintf(`"field":%q`, test.field)) {
				t.Errorf("does not name %s: %s", test.field, body)
			}
			if test.status == 412 && response.Header.Get("Tus-Version") != "1.0.0" {
				t.Error("does not say which versions there are")
			}
			w.wantNothing()
		})
	}
}

func TestMethodOverride(t *testing.T) {
	w := newWorld(t)
	path := w.announce(len(content))
	response, body := w.tus("POST", path, bytes.NewReader(content[:100]),
		"X-HTTP-Method-Override", "PATCH", "Content-Type", offsetStream, "Upload-Offset", "0")
	if response.StatusCode != http.StatusNoContent {
		t.Errorf("got %d %s", response.StatusCode, body)
	}
	w.wantOffset(path, 100)
}

func TestUploadExpires(t *testing.T) {
	w := newWorld(t)
	path := w.announce(len(content))
	w.db.Advance(23 * time.Hour)
	w.patched(path, 0, content[:1000])
	w.db.Advance(23 * time.Hour)
	w.wantOffset(path, 1000)
	w.db.Advance(2 * time.Hour)
	response, body := w.patch(path, 1000, content[1000:])
	w.wantProblem(response, body, 404, "not-found")
	_, err := w.ledger.ClaimDue(t.Context(), 10)
	w.must(err)
	response, body = w.patch(path, 1000, content[1000:])
	w.wantProblem(response, body, 404, "not-found")
	if response, _ := w.tus("HEAD", path, nil); response.StatusCode != http.StatusNotFound {
		t.Errorf("head: %d", response.StatusCode)
	}
}

func TestTerminate(t *testing.T) {
	for name, use := range map[string]func(w *world, path string){
		"untouched": func(*world, string) {},
		"begun":     func(w *world, path string) { w.patched(path, 0, content[:1000]) },
		"arriving": func(w *world, path string) {
			w.line(path, 0, len(content), content[:1000])
			w.arrives(w.Gateway)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			path := w.announce(len(content))
			use(w, path)
			if response, body := w.tus("DELETE", path, nil); response.StatusCode != http.StatusNoContent {
				t.Errorf("delete: %d %s", response.StatusCode, body)
			}
			w.wantNothing()
			for _, method := range []string{"HEAD", "DELETE"} {
				if response, _ := w.tus(method, path, nil); response.StatusCode != http.StatusNotFound {
					t.Errorf("%s afterwards: %d", method, response.StatusCode)
				}
			}
			w.arrivalsEnd()
		})
	}
}

func TestTerminateWhatIsComplete(t *testing.T) {
	w := newWorld(t)
	path := w.announce(len(content))
	w.patched(path, 0, content)
	if response, body := w.tus("DELETE", path, nil); response.StatusCode != http.StatusNoContent {
		t.Errorf("delete: %d %s", response.StatusCode, body)
	}
	if response, _ := w.do("GET", "/v1/conversions/"+string(idOf(path)), nil); response.StatusCode != http.StatusNotFound {
		t.Errorf("the conversion answers %d", response.StatusCode)
	}
}
