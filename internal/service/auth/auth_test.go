package auth_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/unreel/unreel/internal/httpx"
	mailfile "github.com/unreel/unreel/internal/mail/file"
	"github.com/unreel/unreel/internal/service/auth"
	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/internal/store/users"
	"github.com/unreel/unreel/internal/store/users/sqlusers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	email    = "ada@example.com"
	password = "correct horse battery"
)

// openStore opens a new store.
func openStore(t *testing.T) *sqlusers.Store {
	t.Helper()
	db, err := database.Open("sqlite:" + filepath.Join(t.TempDir(), "unreel.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	store := sqlusers.New(db)
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store
}

// bench is a service, as a test sees it.
type bench struct {
	handler http.Handler
	service *auth.Service
	store   *sqlusers.Store
	log     *bytes.Buffer
	mails   string // the folder where they lie
}

func newBench(t *testing.T, change ...func(*auth.Config)) *bench {
	t.Helper()
	return newBenchOver(t, openStore(t), change...)
}

func newBenchOver(t *testing.T, store users.Store, change ...func(*auth.Config)) *bench {
	t.Helper()
	config := auth.DefaultConfig()
	for _, do := range change {
		do(&config)
	}
	log := new(bytes.Buffer)
	mails := t.TempDir()
	sender, err := mailfile.New(mailfile.Config{Dir: mails, From: "Unreel <unreel@localhost>"})
	if err != nil {
		t.Fatal(err)
	}
	service, err := auth.New(config, store, sender, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	auth.Cheapen(service)
	own, _ := store.(*sqlusers.Store)
	return &bench{service.Handler(), service, own, log, mails}
}

// add makes an account.
func (b *bench) add(t *testing.T, email, password string, admin bool) users.User {
	t.Helper()
	user, err := b.service.Accounts().Add(t.Context(), email, password, admin)
	if err != nil {
		t.Fatal(err)
	}
	return user
}

// call makes a request; change may alter it first.
func (b *bench) call(t *testing.T, method, path, body string, change ...func(*http.Request)) *http.Response {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for _, do := range change {
		do(request)
	}
	recorder := httptest.NewRecorder()
	b.handler.ServeHTTP(recorder, request)
	return recorder.Result()
}

func basic(email, password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(email, password) }
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func bearer(text string) func(*http.Request) { return header("Authorization", "Bearer "+text) }

func read(t *testing.T, response *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// mustStatus checks an answer's status and returns its body.
func mustStatus(t *testing.T, response *http.Response, status int) string {
	t.Helper()
	body := read(t, response)
	if response.StatusCode != status {
		t.Fatalf("got %s, want %d: %s", response.Status, status, body)
	}
	return body
}

// mustProblem checks that an answer is a problem, and returns it.
func mustProblem(t *testing.T, response *http.Response, status int, slug string) httpx.Problem {
	t.Helper()
	body := mustStatus(t, response, status)
	var problem httpx.Problem
	if err := json.Unmarshal([]byte(body), &problem); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if response.Header.Get("Content-Type") != httpx.ProblemType || problem.Type != "/problems/"+slug ||
		problem.Status != status || problem.Title == "" || problem.Detail == "" {
		t.Errorf("want a problem %s (%d), got %s", slug, status, body)
	}
	return problem
}

// keyOf returns the id of the key that signed a token.
func keyOf(t *testing.T, text string) string {
	t.Helper()
	head, _, _ := strings.Cut(text, ".")
	raw, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		t.Fatal(err)
	}
	var fields struct {
		KeyID string `json:"kid"`
	}
	if err := json.Unmarshal(raw, &fields); err != nil {
		t.Fatal(err)
	}
	return fields.KeyID
}

// logIn returns a token.
func (b *bench) logIn(t *testing.T, email, password string) string {
	t.Helper()
	return mustStatus(t, b.call(t, "POST", "/login", "", basic(email, password)), http.StatusOK)
}

// pass lets time pass in a synctest bubble.
func pass(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // it is the bubble's own time
