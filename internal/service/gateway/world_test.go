package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/link"
	"github.com/unreel/unreel/internal/queue/local"
	"github.com/unreel/unreel/internal/service/auth"
	"github.com/unreel/unreel/internal/service/auth/client"
	"github.com/unreel/unreel/internal/store"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/blob/disk"
	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/internal/store/ledger"
	"github.com/unreel/unreel/internal/store/ledger/sqlledger"
	"github.com/unreel/unreel/internal/store/users/sqlusers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const deadline = time.Minute

// world is a gateway on real stores, with Ada, who has an account.
type world struct {
	*testing.T
	*Gateway
	db      *database.DB
	disk    *disk.Store
	faults  *faults
	records *outage
	server  *httptest.Server
	ada     client.Claims
	token   string
	stop    context.CancelFunc
	make    func(ledger.Config) *Gateway // another on the same stores
	leave   func()                       // gives back places for uploads that a test has taken; nil: none
}

func newWorld(t *testing.T) *world {
	dir := t.TempDir()
	logger := slog.New(slog.DiscardHandler)
	w := &world{T: t}
	var err error
	w.db, err = database.Open("sqlite:" + filepath.Join(dir, "unreel.db"))
	w.must(err)
	t.Cleanup(func() { w.db.Close() })
	records, accounts := sqlledger.New(w.db), sqlusers.New(w.db)
	w.must(records.Migrate(t.Context()))
	w.must(accounts.Migrate(t.Context()))
	w.disk, err = disk.Open(disk.Config{Dir: filepath.Join(dir, "blobs"), Reserve: 1})
	w.must(err)
	t.Cleanup(func() { w.disk.Close() })
	w.faults, w.records = &faults{Store: w.disk}, &outage{Store: records}

	service, err := auth.New(auth.Config{Issuer: auth.DefaultIssuer, Signup: auth.SignupOpen}, accounts, nil, logger)
	w.must(err)
	transport := client.InProcess(service.Handler())
	caller, err := client.New("http://auth", transport, logger)
	w.must(err)
	verifier, err := client.NewVerifier("http://auth", auth.DefaultIssuer, transport, logger)
	w.must(err)
	w.make = func(config ledger.Config) *Gateway {
		keeper := ledger.New(w.records, config)
		return New(Config{MaxUpload: 1 << 20, MaxUploads: 8}, Parts{
			Ledger: keeper, Blobs: w.faults, Queue: local.New(logger), Accounts: caller, Verifier: verifier,
			Links: link.NewSigner("http://localhost", keeper), Page: http.NotFoundHandler(), Docs: http.NotFoundHandler(), Wake: func() {}, Logger: logger,
		})
	}
	w.Gateway = w.make(ledger.DefaultConfig())
	credentials := client.Credentials{Email: "ada@example.com", Password: "correct horse battery"}
	_, err = caller.SignUp(t.Context(), "127.0.0.1", credentials)
	w.must(err)
	w.token, err = caller.Token(t.Context(), "127.0.0.1", credentials)
	w.must(err)
	w.ada, err = verifier.Verify(t.Context(), w.token)
	w.must(err)
	w.serve()
	return w
}

func (w *world) serve() {
	ctx, cancel := context.WithCancel(context.Background())
	w.stop = cancel
	done := make(chan error, 1)
	go func() { done <- w.Gateway.Run(ctx) }()
	w.server = httptest.NewServer(w.Handler())
	w.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.Errorf("run: %v", err)
		}
		w.server.Client().CloseIdleConnections()
		w.server.Close()
	})
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// do sends a request of Ada's and returns the answer's status, header and body.
func (w *world) do(method, path string, body io.Reader, header ...string) (*http.Response, []byte) {
	w.Helper()
	request, err := http.NewRequestWithContext(w.Context(), method, w.server.URL+path, body)
	w.must(err)
	request.Header.Set("Authorization", "Bearer "+w.token)
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := w.server.Client().Do(request)
	w.must(err)
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	w.must(err)
	return response, raw
}

func (w *world) wantProblem(response *http.Response, body []byte, status int, slug string) {
	w.Helper()
	var problem httpx.Problem
	if err := json.Unmarshal(body, &problem); err != nil || response.StatusCode != status || problem.Type != "/problems/"+slug {
		w.Errorf("got %d %s, want %d %s", response.StatusCode, body, status, slug)
	}
}

// videoForm is a form with a file of the given content, and the header that goes with it.
func videoForm(content []byte) (body *bytes.Buffer, kind string) {
	body = &bytes.Buffer{}
	writer := multipart.NewWriter(body)
	part, _ := writer.CreateFormFile("file", "talk.mp4")
	_, _ = part.Write(content)
	_ = writer.Close()
	return body, writer.FormDataContentType()
}

func (w *world) upload(content []byte, header ...string) (*http.Response, []byte) {
	w.Helper()
	body, kind := videoForm(content)
	return w.do("POST", "/v1/conversions", body, append(header, "Content-Type", kind)...)
}

// videos lists what is in the blob store, staging files too.
func (w *world) videos() (ids []conversion.ID) {
	w.Helper()
	for info, err := range w.disk.List(w.Context(), blob.Video, time.Now().Add(time.Hour)) {
		w.must(err)
		ids = append(ids, info.ID)
	}
	return ids
}

// faults stands before the blobs; what is set fails.
type faults struct {
	blob.Store

	create, write, commit error
	committing            func() // called before a commit
	committed             func() // called after a commit of pieces
	last                  conversion.ID
}

func (f *faults) Create(ctx context.Context, kind blob.Kind, id conversion.ID) (blob.Writer, error) {
	f.last = id
	if f.create != nil {
		return nil, f.create
	}
	writer, err := f.Store.Create(ctx, kind, id)
	return &faultyWriter{writer, f}, err
}

type faultyWriter struct {
	blob.Writer

	faults *faults
}

func (w *faultyWriter) Write(p []byte) (int, error) {
	if w.faults.write != nil {
		return 0, w.faults.write
	}
	return w.Writer.Write(p)
}

func (w *faultyWriter) Commit(ctx context.Context, meta blob.Meta) error {
	if w.faults.committing != nil {
		w.faults.committing()
	}
	if w.faults.commit != nil {
		return w.faults.commit
	}
	return w.Writer.Commit(ctx, meta)
}

func (f *faults) Append(ctx context.Context, kind blob.Kind, id conversion.ID, fence int64, from blob.Mark) (blob.Appender, error) {
	f.last = id
	if f.create != nil {
		return nil, f.create
	}
	appender, err := f.Store.Append(ctx, kind, id, fence, from)
	if err != nil {
		return nil, err
	}
	return &faultyAppender{appender, f}, nil
}

type faultyAppender struct {
	blob.Appender

	faults *faults
}

func (a *faultyAppender) Write(p []byte) (int, error) {
	if a.faults.write != nil {
		return 0, a.faults.write
	}
	return a.Appender.Write(p)
}

func (a *faultyAppender) Commit(ctx context.Context, meta blob.Meta) error {
	if a.faults.commit != nil {
		return a.faults.commit
	}
	if err := a.Appender.Commit(ctx, meta); err != nil {
		return err
	}
	if a.faults.committed != nil {
		a.faults.committed()
	}
	return nil
}

// outage is a database that can be away.
type outage struct {
	ledger.Store

	mutex sync.Mutex
	away  bool
}

func (o *outage) set(away bool) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.away = away
}

func (o *outage) err() error {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.away {
		return store.ErrUnavailable
	}
	return nil
}

func (o *outage) Update(ctx context.Context, id conversion.ID, change func(*ledger.Record, time.Time) error) (ledger.Record, error) {
	if err := o.err(); err != nil {
		return ledger.Record{}, err
	}
	return o.Store.Update(ctx, id, change)
}

func (o *outage) Insert(ctx context.Context, build func(time.Time) ledger.Record) (ledger.Record, error) {
	if err := o.err(); err != nil {
		return ledger.Record{}, err
	}
	return o.Store.Insert(ctx, build)
}
