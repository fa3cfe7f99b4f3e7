package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/test/harness"
)

// person is a user with a conversion that is completed.
type person struct {
	token string
	done  string // an id
}

// crowd is everybody who uses a gateway.
type crowd struct {
	gateway string
	people  []person
	client  *http.Client

	kind, form string // what everybody uploads
}

// gather makes accounts, a few at a time: hashing passwords takes memory and time on purpose.
func gather(t *testing.T, c *harness.Cluster, users int, video harness.Part) *crowd {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: users + inFlight}
	t.Cleanup(transport.CloseIdleConnections)
	g := &crowd{gateway: c.URL, people: make([]person, users), client: &http.Client{Transport: transport}}
	kind, form := harness.Form(t, video)
	g.kind, g.form = kind, form.String()
	var group sync.WaitGroup
	next := make(chan int)
	for range 4 {
		group.Go(func() {
			for i := range next {
				token, err := g.signUp(t.Context(), fmt.Sprintf("user%d@example.com", i))
				if err != nil {
					t.Errorf("sign up %d: %v", i, err)
				}
				g.people[i].token = token
			}
		})
	}
	for i := range users {
		next <- i
	}
	close(next)
	group.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return g
}

func (g *crowd) signUp(ctx context.Context, email string) (token string, err error) {
	body := fmt.Sprintf(`{"email":%q,"password":%q}`, email, harness.Password)
	if _, err := g.do(ctx, "", http.MethodPost, "/v1/users", "application/json", strings.NewReader(body), http.StatusCreated); err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, g.gateway+"/login", http.NoBody)
	if err != nil {
		return "", err
	}
	request.SetBasicAuth(email, harness.Password)
	answer, err := g.send(request, http.StatusOK)
	return string(answer.body), err
}

type answer struct {
	header http.Header
	body   []byte
}

// do makes a request that must be answered with a status.
func (g *crowd) do(ctx context.Context, token, method, path, kind string, body io.Reader, want int) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, g.gateway+path, body)
	if err != nil {
		return answer{}, err
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	return g.send(request, want)
}

func (g *crowd) send(request *http.Request, want int) (answer, error) {
	response, err := g.client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != want {
		err = fmt.Errorf("%s %s: %s, %s", request.Method, request.URL.Path, response.Status, body)
	}
	return answer{response.Header, body}, err
}

// warmUp gives everybody something to look at and to download.
func (g *crowd) warmUp(t *testing.T) {
	t.Helper()
	var group sync.WaitGroup
	next := make(chan *person)
	for range inFlight {
		group.Go(func() {
			for p := range next {
				id, err := g.upload(t.Context(), p.token)
				if err == nil {
					err = g.follow(t.Context(), p.token, id)
				}
				if err != nil {
					t.Error(err)
				}
				p.done = id
			}
		})
	}
	for i := range g.people {
		next <- &g.people[i]
	}
	close(next)
	group.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

func (g *crowd) upload(ctx context.Context, token string) (id string, err error) {
	got, err := g.do(ctx, token, http.MethodPost, "/v1/conversions", g.kind, strings.NewReader(g.form), http.StatusAccepted)
	return strings.TrimPrefix(got.header.Get("Location"), "/v1/conversions/"), err
}

// follow waits for the end of a conversion's event stream, and wants it completed.
func (g *crowd) follow(ctx context.Context, token, id string) error {
	events, err := g.do(ctx, token, http.MethodGet, "/v1/conversions/"+id+"/events", "", nil, http.StatusOK)
	if err != nil {
		return err
	}
	if !strings.Contains(string(events.body), `"status":"`+string(conversion.Completed)+`"`) {
		return fmt.Errorf("%s ended otherwise: %s", id, events.body)
	}
	return nil
}

// tally counts what went well, and keeps what did not.
type tally struct {
	mu      sync.Mutex
	good    int
	bad     []error
	latency figures // until the answer, of uploads
}

func (a *tally) add(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		a.bad = append(a.bad, err)
		return
	}
	a.good++
}

func (a *tally) completed() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.good
}

// failures are the first few, for many are alike.
func (a *tally) failures() []error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.bad[:min(len(a.bad), 5)]
}

// listen holds an event stream of each person's, from one end to the other.
func (g *crowd) listen(ctx context.Context, group *sync.WaitGroup) *tally {
	streams := &tally{}
	for _, p := range g.people {
		group.Go(func() {
			err := g.hear(ctx, p.token)
			if ctx.Err() != nil {
				err = nil // it lasted
			} else if err == nil {
				err = errors.New("a stream has ended")
			}
			streams.add(err)
		})
	}
	return streams
}

func (g *crowd) hear(ctx context.Context, token string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, g.gateway+"/v1/events", http.NoBody)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := g.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("event stream: %s", response.Status)
	}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		continue
	}
	return lines.Err()
}

// convert keeps as many conversions under way as may be.
func (g *crowd) convert(ctx context.Context, group *sync.WaitGroup) *tally {
	uploads := &tally{latency: figures{name: "uploads"}}
	for range inFlight {
		group.Go(func() {
			for ctx.Err() == nil {
				p := g.people[rand.N(len(g.people))]
				began := time.Now()
				// What is sent is sent to its end: the gateway would rightly call it broken off.
				id, err := g.upload(context.WithoutCancel(ctx), p.token)
				uploads.note(began, len(g.form), err)
				if err != nil {
					uploads.add(err)
					continue
				}
				if err := g.follow(ctx, p.token, id); ctx.Err() == nil {
					uploads.add(err)
				}
			}
		})
	}
	return uploads
}

func (a *tally) note(began time.Time, size int, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	result := vegeta.Result{Code: http.StatusAccepted, Timestamp: began, Latency: time.Since(began), BytesOut: uint64(size)}
	if err != nil {
		result.Code, result.Error = 0, err.Error()
	}
	a.latency.Add(&result)
}
