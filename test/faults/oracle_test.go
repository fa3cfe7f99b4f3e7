package faults

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mp3"
)

// outcome is how a job has to end.
type outcome struct {
	name    string
	video   []byte
	status  conversion.Status
	seconds float64 // of the MP3; 0 for any
}

// oracle stands outside of the system. It writes down each promise with fsync, before anything else is done, and in
// the end asks for what was promised.
type oracle struct {
	file *os.File

	mutex    sync.Mutex
	accepted map[string]outcome // by id
}

func newOracle(t *testing.T) *oracle {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "accepted"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return &oracle{file: file, accepted: map[string]outcome{}}
}

// accept writes a promise down.
func (o *oracle) accept(id string, want outcome) error {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if _, known := o.accepted[id]; known {
		return fmt.Errorf("%s was given to two jobs", id)
	}
	o.accepted[id] = want
	if _, err := fmt.Fprintln(o.file, id, want.name); err != nil {
		return err
	}
	return o.file.Sync()
}

func (o *oracle) count() int {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return len(o.accepted)
}

// forget drops what was promised, because it was kept and then deleted.
func (o *oracle) forget() {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	clear(o.accepted)
}

// verdict is what became of all jobs.
type verdict struct {
	completed, failed int
	again             int // attempts beyond the first
	mailedTwice       int
}

func (v *verdict) add(more verdict) {
	v.completed += more.completed
	v.failed += more.failed
	v.again += more.again
	v.mailedTwice += more.mailedTwice
}

// check asks the system for every job, and holds each against what was promised.
func (o *oracle) check(t testing.TB, get func(path string) (int, []byte, error), mails func(id string) []string) verdict {
	t.Helper()
	var v verdict
	for id, want := range o.accepted {
		c, err := lookUp(get, id)
		if err != nil {
			t.Errorf("%s (%s) is lost: %v", id, want.name, err)
			continue
		}
		if c.Status != want.status {
			t.Errorf("%s (%s) is %s after %d attempts, want %s; %+v", id, want.name, c.Status, c.Attempts, want.status, c.Error)
			continue
		}
		v.again += c.Attempts - 1
		if c.Status == conversion.Completed {
			v.completed++
			if err := checkMP3(get, c, want); err != nil {
				t.Errorf("%s (%s): %v", id, want.name, err)
			}
		} else {
			v.failed++
		}
		switch sent := len(mails(id)); {
		case sent == 0:
			t.Errorf("%s (%s): no mail", id, want.name)
		case sent > 2:
			t.Errorf("%s (%s): %d mails", id, want.name, sent)
		case sent == 2:
			v.mailedTwice++
		}
	}
	return v
}

func lookUp(get func(path string) (int, []byte, error), id string) (api.Conversion, error) {
	var c api.Conversion
	status, body, err := get("/v1/conversions/" + id)
	if err != nil {
		return c, err
	}
	if status != http.StatusOK {
		return c, fmt.Errorf("%d %s", status, body)
	}
	return c, json.Unmarshal(body, &c)
}

// checkMP3 reads every frame of a conversion's MP3.
func checkMP3(get func(path string) (int, []byte, error), c api.Conversion, want outcome) error {
	status, body, err := get("/v1/conversions/" + c.ID + "/mp3")
	if err != nil {
		return err
	}
	if status != http.StatusOK || int64(len(body)) != c.MP3.Size {
		return fmt.Errorf("MP3: %d, %d bytes, want %d", status, len(body), c.MP3.Size)
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != c.MP3.SHA256 {
		return errors.New("the MP3 is not the one that the record describes")
	}
	info, err := mp3.Inspect(bytes.NewReader(body))
	if err != nil {
		return err
	}
	if seconds := info.Duration.Seconds(); want.seconds > 0 && math.Abs(seconds-want.seconds) > 0.05 {
		return fmt.Errorf("MP3 is %.3f s long, want %.3f", seconds, want.seconds)
	}
	return nil
}

// getter fetches with a token.
func getter(url func() string, token string) func(path string) (int, []byte, error) {
	return func(path string) (int, []byte, error) {
		request, err := http.NewRequest(http.MethodGet, url()+path, http.NoBody)
		if err != nil {
			return 0, nil, err
		}
		request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(token))
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return 0, nil, err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return response.StatusCode, body, err
	}
}
