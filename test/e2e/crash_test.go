package e2e

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/test/harness"
)

// TestKilledAndStartedAgain kills the process again and again while videos wait and run. Whatever was accepted
// is converted, and told once.
func TestKilledAndStartedAgain(t *testing.T) {
	t.Parallel()
	s := harness.StartAlone(t)
	ada := harness.SignUp(t, s.URL, "ada@example.com")
	video := harness.File(t, mediatest.Video(t, mediatest.Spec{Seconds: 60, Container: "m4a", Rate: 44100, Hz: 700}))
	poison := harness.File(t, mediatest.Text(t))
	var good, bad []string
	// Four kills, for the fifth attempt is the last.
	for range 4 {
		good = append(good, ada.Upload(t, video), ada.Upload(t, video))
		bad = append(bad, ada.Upload(t, poison))
		harness.Eventually(t, "a conversion to run", func() error {
			if !anyConverting(t, ada, good) {
				return errors.New("none runs")
			}
			return nil
		})
		s.Kill(t)
		s.Start(t)
		s.Ready(t)
		ada.LogIn(t)
	}
	for _, id := range good {
		if c := ada.Settled(t, id); c.Status != conversion.Completed {
			t.Fatalf("%s: %s, %+v", id, c.Status, c.Error)
		}
		checkTone(t, ada.MP3(t, id), 700, 60, 2)
	}
	for _, id := range bad {
		if c := ada.Settled(t, id); c.Status != conversion.Failed {
			t.Errorf("%s: %s", id, c.Status)
		}
	}
	for _, id := range append(good, bad...) {
		mailAbout(t, s, id)
	}
	if got, want := s.Blobs(t), 2*len(good)+len(bad); got != want {
		t.Errorf("%d files, want %d", got, want)
	}
	if left, err := os.ReadDir(s.Data + "/tmp"); err != nil || len(left) != 0 {
		t.Errorf("scratch: %v, %v", left, err)
	}
}

func anyConverting(t *testing.T, u *harness.User, ids []string) bool {
	t.Helper()
	for _, id := range ids {
		if u.Conversion(t, id).Status == conversion.Converting {
			return true
		}
	}
	return false
}

// TestStopFinishes stops the process in good order while one conversion runs and another waits.
func TestStopFinishes(t *testing.T) {
	t.Parallel()
	s := harness.StartAlone(t, "UNREEL_CONVERTERS=1")
	ada := harness.SignUp(t, s.URL, "ada@example.com")
	id := ada.Upload(t, harness.File(t, mediatest.Video(t, mediatest.Spec{Seconds: 60, Container: "m4a", Rate: 44100})))
	waiting := ada.Upload(t, harness.File(t, mediatest.Video(t, mediatest.Spec{})))
	harness.Eventually(t, "the conversion to run", func() error {
		if !anyConverting(t, ada, []string{id}) {
			return errors.New("it does not")
		}
		return nil
	})
	s.Stop(t)
	s.Start(t)
	s.Ready(t)
	ada.LogIn(t)
	for _, id := range []string{id, waiting} {
		if c := ada.Settled(t, id); c.Status != conversion.Completed || c.Attempts != 1 {
			t.Errorf("%s after %d attempts, want completed after 1", c.Status, c.Attempts)
		}
	}
}

// TestSecondStart starts a second process on the same data.
func TestSecondStart(t *testing.T) {
	t.Parallel()
	s := harness.StartAlone(t)
	second := exec.Command(harness.Binary(), "all")
	second.Env = append(s.Env(), "UNREEL_ADDR="+harness.FreePort(t), "UNREEL_ADMIN_ADDR="+harness.FreePort(t))
	output, err := second.CombinedOutput()
	if _, failed := errors.AsType[*exec.ExitError](err); !failed {
		t.Fatalf("second start: %v, %s", err, output)
	}
	want := fmt.Sprintf("another unreel (process %d)", s.Pid())
	if !strings.Contains(string(output), "UNREEL_DATA") || !strings.Contains(string(output), want) {
		t.Errorf("second start says %q, want UNREEL_DATA and %q", output, want)
	}
	harness.SignUp(t, s.URL, "ada@example.com")
}

// growth is how much an upload may add to the memory of a process, in bytes.
const growth = 64 << 20

// TestUploadMemory uploads a video much larger than the memory that this may take.
func TestUploadMemory(t *testing.T) {
	t.Parallel()
	s := harness.StartAlone(t)
	ada := harness.SignUp(t, s.URL, "ada@example.com")
	ada.Settled(t, ada.Upload(t, harness.File(t, mediatest.Text(t))))
	before := s.PeakMemory(t)

	const size = 512 << 20
	read, write := io.Pipe()
	writer := multipart.NewWriter(write)
	go func() {
		part, err := writer.CreateFormFile("file", "large.mp4")
		if err == nil {
			block := make([]byte, 1<<20)
			rand.Read(block)
			_, err = io.Copy(part, io.LimitReader(&repeated{block: block}, size))
		}
		write.CloseWithError(errors.Join(err, writer.Close()))
	}()
	got := ada.Post(t, "/upload", writer.FormDataContentType(), read)
	if got.Status != http.StatusOK {
		t.Fatalf("upload: %s", got)
	}
	id := strings.TrimPrefix(got.Header.Get("Location"), "/v1/conversions/")
	if c := ada.Settled(t, id); c.Video.Size != size || c.Status != conversion.Failed {
		t.Errorf("%d bytes, %s", c.Video.Size, c.Status)
	}
	if grown := s.PeakMemory(t) - before; grown > growth {
		t.Errorf("memory grew by %d bytes, want %d at most", grown, growth)
	}
}

type repeated struct {
	block []byte
	rest  bytes.Reader
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.rest.Len() == 0 {
		r.rest.Reset(r.block)
	}
	return r.rest.Read(p)
}
