package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/test/harness"
)

const (
	// slowUploads is how many there are at once.
	slowUploads = 200
	// slowMemory is what a process may use that takes them, in bytes, and converts meanwhile.
	slowMemory = 400 << 20
)

// TestSlowUploads sends many videos at once over slow lines. Each is served or refused, and memory stays within bounds.
func TestSlowUploads(t *testing.T) {
	alone := harness.StartAlone(t, "UNREEL_RATE_LIMIT=off")
	k := killLoop{cluster: &harness.Cluster{URL: alone.URL}, user: harness.SignUp(t, alone.URL, "ada@example.com"), oracle: newOracle(t)}
	jobs := []outcome{outcomes(t)[0]}
	for range 9 { // they are not what this is about
		jobs = append(jobs, outcome{"text", bytes.Repeat([]byte("this is no video\n"), 1000), conversion.Failed, 0})
	}
	begun := make(chan struct{}, slowUploads)
	open := make(chan struct{}) // lets the last bytes go
	var refused atomic.Int64
	var uploads sync.WaitGroup
	for i := range slowUploads {
		uploads.Go(func() {
			switch accepted, err := k.trickle(t.Context(), i, jobs[i%len(jobs)], begun, open); {
			case err != nil:
				t.Error(err)
			case !accepted:
				refused.Add(1)
			}
		})
	}
	// All of them are there at once.
	for range slowUploads {
		select {
		case <-begun:
		case <-time.After(time.Minute):
			t.Fatal("the uploads did not begin")
		}
	}
	close(open)
	uploads.Wait()
	t.Logf("%d of %d refused, %d MiB at the most", refused.Load(), slowUploads, alone.PeakMemory(t)>>20)
	if peak := alone.PeakMemory(t); peak > slowMemory {
		t.Errorf("used %d MiB, want %d at the most", peak>>20, slowMemory>>20)
	}
	if k.oracle.count()+int(refused.Load()) != slowUploads {
		t.Errorf("%d accepted and %d refused of %d", k.oracle.count(), refused.Load(), slowUploads)
	}
	for id := range k.oracle.accepted {
		k.user.Settled(t, id)
	}
	k.oracle.check(t, getter(func() string { return alone.URL }, k.user.Token), func(id string) []string {
		harness.Eventually(t, "the mail about "+id, func() error {
			if len(alone.Mails(t, id)) == 0 {
				return fmt.Errorf("none")
			}
			return nil
		})
		return alone.Mails(t, id)
	})
}

// trickle uploads a job in many small pieces, and tells whether it was accepted.
func (k *killLoop) trickle(ctx context.Context, i int, job outcome, begun chan<- struct{}, open <-chan struct{}) (bool, error) {
	contentType, form := crashForm(job)
	body := &slowBody{rest: form, begun: sync.OnceFunc(func() { begun <- struct{}{} }), open: open}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, k.cluster.URL+"/v1/conversions", body)
	if err != nil {
		return false, err
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("Authorization", "Bearer "+k.user.Token)
	request.Header.Set("Idempotency-Key", fmt.Sprint("slow-", i))
	response, err := http.DefaultClient.Do(request)
	body.begun() // or refused before that
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return false, err
	}
	switch response.StatusCode {
	case http.StatusAccepted:
		var accepted struct{ ID string }
		if err := json.Unmarshal(answer, &accepted); err != nil {
			return false, err
		}
		return true, k.oracle.accept(accepted.ID, job)
	case http.StatusServiceUnavailable:
		return false, nil
	default:
		return false, fmt.Errorf("%s: %s", response.Status, answer)
	}
}

// slowBody gives few bytes at a time. After half of them it waits for the others to have come as far.
type slowBody struct {
	rest  io.Reader
	read  int
	begun func()
	open  <-chan struct{}
}

// Read implements io.Reader.
func (b *slowBody) Read(p []byte) (int, error) {
	const piece, half = 256, 4096
	if b.read >= half {
		b.begun()
		<-b.open
	}
	n, err := b.rest.Read(p[:min(len(p), piece)])
	b.read += n
	return n, err
}
