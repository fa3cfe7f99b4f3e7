package converter_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/internal/media/transcode"
	"github.com/unreel/unreel/internal/queue"
	"github.com/unreel/unreel/internal/queue/local"
	"github.com/unreel/unreel/internal/service/converter"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/blob/disk"
	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/internal/store/ledger"
	"github.com/unreel/unreel/internal/store/ledger/sqlledger"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	owner    = "65f0c0ffee65f0c0ffee0001"
	patience = 2 * time.Minute
)

// world is a converter with all that it works with: the real things.
type world struct {
	*testing.T
	db      *database.DB
	ledger  *ledger.Ledger
	blobs   blob.Store // what the converter sees; a test may put itself between
	disk    *disk.Store
	queue   *local.Queue
	hints   *overheard
	scratch string
	grace   time.Duration
	poked   chan struct{}
	stop    func() // stops the converter and waits for it
}

func newWorld(t *testing.T) *world {
	logger := slog.New(slog.DiscardHandler)
	dir := t.TempDir()
	w := &world{T: t, scratch: filepath.Join(dir, "scratch"), grace: patience, poked: make(chan struct{}, 100), queue: local.New(logger)}
	var err error
	w.db, err = database.Open("sqlite:" + filepath.Join(dir, "unreel.db"))
	w.must(err)
	t.Cleanup(func() { w.db.Close() })
	records := sqlledger.New(w.db)
	w.must(records.Migrate(t.Context()))
	w.ledger = ledger.New(records, ledger.DefaultConfig())
	w.disk, err = disk.Open(disk.Config{Dir: filepath.Join(dir, "blobs"), Reserve: 1})
	w.must(err)
	t.Cleanup(func() { w.disk.Close() })
	w.blobs = w.disk
	w.hints = &overheard{Queue: w.queue, outcomes: make(chan error, 100)}
	return w
}

// start runs the converter until stop is called or the test ends.
func (w *world) start() {
	w.Helper()
	logger := slog.New(slog.DiscardHandler)
	transcoder, err := transcode.New(transcode.Config{TempDir: w.scratch, Sandbox: mediatest.Box(w)})
	w.must(err)
	service, err := converter.New(converter.Config{Slots: 2, Scratch: w.scratch, Grace: w.grace}, w.ledger, w.blobs, w.hints, transcoder,
		func() { w.poked <- struct{}{} }, logger)
	w.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- service.Run(ctx) }()
	stopped := false
	w.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			if err != nil {
				w.Errorf("run: %v", err)
			}
		case <-time.After(patience):
			w.Error("the converter does not stop")
		}
		w.wantCleanScratch()
	}
	w.Cleanup(w.stop)
}

func (w *world) wantCleanScratch() {
	w.Helper()
	left, err := os.ReadDir(w.scratch)
	if err != nil || len(left) != 0 {
		w.Errorf("left in the scratch folder: %v, %v", left, err)
	}
}

// queued brings a video as far as the gateway does.
func (w *world) queued(video []byte) conversion.ID {
	w.Helper()
	id := conversion.NewID(time.Now())
	_, err := w.ledger.Receive(w.Context(), ledger.Upload{ID: id, Owner: owner, Username: "ada@example.com", Name: "talk.mp4"})
	w.must(err)
	if video != nil {
		w.put(blob.Video, id, video)
	}
	_, err = w.ledger.Accept(w.Context(), id, int64(len(video)), "")
	w.must(err)
	return id
}

func (w *world) put(kind blob.Kind, id conversion.ID, content []byte) {
	w.Helper()
	w.putClaimed(kind, id, content, 0)
}

func (w *world) putClaimed(kind blob.Kind, id conversion.ID, content []byte, fence int64) {
	w.Helper()
	writer, err := w.disk.Create(w.Context(), kind, id)
	w.must(err)
	_, err = writer.Write(content)
	w.must(err)
	w.must(writer.Commit(w.Context(), blob.Meta{Fence: fence}))
}

func (w *world) hint(id conversion.ID) {
	w.Helper()
	w.must(w.queue.Publish(w.Context(), queue.Video, queue.Message{VideoID: id, ID: id}))
}

func (w *world) has(kind blob.Kind, id conversion.ID) bool {
	w.Helper()
	_, err := w.disk.Path(kind, id)
	return err == nil
}

func (w *world) record(id conversion.ID) ledger.Record {
	w.Helper()
	record, err := w.ledger.Peek(w.Context(), id)
	w.must(err)
	return record
}

// eventually waits until a record is as it should be.
func (w *world) eventually(id conversion.ID, what string, is func(ledger.Record) bool) ledger.Record {
	w.Helper()
	deadline := time.Now().Add(patience)
	for {
		record := w.record(id)
		if is(record) {
			return record
		}
		if time.Now().After(deadline) {
			w.Fatalf("waited for %s, got %+v", what, record)
		}
		select {
		case <-w.poked:
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}
