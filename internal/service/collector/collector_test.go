package collector_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/service/collector"
	"github.com/unreel/unreel/internal/store"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/blob/disk"
	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/internal/store/ledger"
	"github.com/unreel/unreel/internal/store/ledger/sqlledger"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const owner = "65f0c0ffee65f0c0ffee0001"

// world is a collector with real stores.
type world struct {
	*testing.T
	*collector.Collector
	db     *database.DB
	ledger *ledger.Ledger
	blobs  *disk.Store
}

// newWorld makes one; a test may put something before the blobs.
func newWorld(t *testing.T, before func(blob.Store) blob.Store) *world {
	dir := t.TempDir()
	db, err := database.Open("sqlite:" + filepath.Join(dir, "unreel.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	records := sqlledger.New(db)
	blobs, err := disk.Open(disk.Config{Dir: filepath.Join(dir, "blobs"), Reserve: 1})
	if err := errors.Join(err, records.Migrate(t.Context())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { blobs.Close() })
	w := &world{T: t, db: db, ledger: ledger.New(records, ledger.DefaultConfig()), blobs: blobs}
	w.Collector = collector.New(collector.DefaultConfig(), w.ledger, before(blobs), slog.New(slog.DiscardHandler))
	return w
}

func itself(s blob.Store) blob.Store { return s }

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) put(kind blob.Kind, id conversion.ID, age time.Duration) {
	w.Helper()
	writer, err := w.blobs.Create(w.Context(), kind, id)
	w.must(err)
	_, err = writer.Write([]byte("bytes"))
	w.must(err)
	w.must(writer.Commit(w.Context(), blob.Meta{}))
	path, err := w.blobs.Path(kind, id)
	w.must(err)
	w.must(os.Chtimes(path, time.Now(), time.Now().Add(-age)))
}

// want wants these of a conversion's files to be there, and no others.
func (w *world) want(id conversion.ID, kinds ...blob.Kind) {
	w.Helper()
	for _, kind := range blob.Kinds {
		wanted := false
		for _, k := range kinds {
			wanted = wanted || k == kind
		}
		if _, err := w.blobs.Path(kind, id); (err == nil) != wanted {
			w.Errorf("%s of %s: %v, want it there: %v", kind, id, err, wanted)
		}
	}
}

// completed makes a conversion with both files.
func (w *world) completed() conversion.ID {
	w.Helper()
	id := conversion.NewID(time.Now())
	_, err := w.ledger.Receive(w.Context(), ledger.Upload{ID: id, Owner: owner})
	w.must(err)
	w.put(blob.Video, id, 0)
	_, err = w.ledger.Accept(w.Context(), id, 5, "")
	w.must(err)
	claim, err := w.ledger.Claim(w.Context(), id)
	w.must(err)
	w.put(blob.MP3, id, 0)
	_, err = w.ledger.Complete(w.Context(), id, claim.Fence, conversion.Video{}, conversion.MP3{})
	w.must(err)
	return id
}

func (w *world) collect() {
	w.Helper()
	w.must(w.CollectDoomed(w.Context()))
}

func TestTombstone(t *testing.T) {
	w := newWorld(t, itself)
	id, other := w.completed(), w.completed()
	_, err := w.ledger.Delete(t.Context(), owner, id)
	w.must(err)

	w.collect()
	w.want(id, blob.Video, blob.MP3) // within the grace time somebody may still read them
	w.db.Advance(2 * time.Minute)
	w.collect()
	w.want(id)

	w.put(blob.MP3, id, 0) // a writer that had been asleep
	w.collect()
	w.want(id, blob.MP3)
	w.db.Advance(25 * time.Hour)
	w.collect()
	w.want(id)
	if _, err := w.ledger.Peek(t.Context(), id); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("the tombstone is still there: %v", err)
	}
	w.want(other, blob.Video, blob.MP3)
}

func TestExpiry(t *testing.T) {
	w := newWorld(t, itself)
	id := w.completed()
	w.db.Advance(719 * time.Hour)
	w.collect()
	w.want(id, blob.Video, blob.MP3)
	w.db.Advance(2 * time.Hour)
	w.collect()
	w.want(id)
	record, err := w.ledger.Get(t.Context(), owner, id)
	if err != nil || record.Status != conversion.Completed || !errors.Is(record.Downloadable(time.Now()), ledger.ErrExpired) {
		t.Errorf("%+v, %v: want the record to stay and say that its files have expired", record, err)
	}
}

func TestBrokenUpload(t *testing.T) {
	w := newWorld(t, itself)
	id := conversion.NewID(time.Now())
	_, err := w.ledger.Receive(t.Context(), ledger.Upload{ID: id, Owner: owner})
	w.must(err)
	w.put(blob.Video, id, 0)
	w.db.Advance(3 * time.Minute) // its gateway is dead
	_, err = w.ledger.ClaimDue(t.Context(), 10)
	w.must(err)
	w.db.Advance(2 * time.Minute)
	w.collect()
	w.want(id)
}

// TestUnfinishedUpload leaves alone what may still go on after days, and removes it when it has expired.
func TestUnfinishedUpload(t *testing.T) {
	w := newWorld(t, itself)
	id := conversion.NewID(time.Now())
	_, err := w.ledger.ReceivePieces(t.Context(), ledger.Upload{ID: id, Owner: owner}, 10, "")
	w.must(err)
	for day := range int64(3) {
		claim, err := w.ledger.ClaimPiece(t.Context(), owner, id, day)
		w.must(err)
		appender, err := w.blobs.Append(t.Context(), blob.Video, id, claim.Fence, blob.Mark{Size: day})
		w.must(err)
		_, err = appender.Write([]byte("x"))
		w.must(err)
		mark, err := appender.Sync(t.Context())
		w.must(errors.Join(err, appender.Close()))
		_, err = w.ledger.EndPiece(t.Context(), id, claim.Fence, ledger.Arrived{Offset: mark.Size, Place: mark.Place})
		w.must(err)
		w.db.Advance(23 * time.Hour)
		w.sweep()
		w.wantListed(id, true)
	}
	w.db.Advance(2 * time.Hour)
	w.sweep()
	w.db.Advance(2 * time.Minute)
	w.sweep()
	w.wantListed(id, false)
}

// sweep is all that looks after what nobody holds, with files that seem to be of long ago.
func (w *world) sweep() {
	w.Helper()
	_, err := w.ledger.ClaimDue(w.Context(), 10)
	w.must(err)
	w.collect()
	config := collector.DefaultConfig()
	config.OrphanAge = -time.Hour
	w.must(collector.New(config, w.ledger, w.blobs, slog.New(slog.DiscardHandler)).CollectOrphans(w.Context()))
}

func (w *world) wantListed(id conversion.ID, want bool) {
	w.Helper()
	found := false
	for info, err := range w.blobs.List(w.Context(), blob.Video, time.Now().Add(time.Hour)) {
		w.must(err)
		found = found || info.ID == id
	}
	if found != want {
		w.Errorf("%s is there: %v, want %v", id, found, want)
	}
}

func TestMoreThanABatch(t *testing.T) {
	w := newWorld(t, itself)
	for range 205 {
		w.abandoned()
	}
	w.db.Advance(2 * time.Minute)
	w.collect()
	if left, err := w.ledger.Doomed(t.Context(), nil, 1); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// stuck has files that cannot be removed, in a store that can be used otherwise, or in one that is away.
type stuck struct {
	blob.Store

	files map[conversion.ID]bool
	away  bool
	tried int
}

func (s *stuck) Delete(ctx context.Context, kind blob.Kind, id conversion.ID) error {
	s.tried++
	if s.files[id] || s.away {
		return store.ErrUnavailable
	}
	return s.Store.Delete(ctx, kind, id)
}

func (s *stuck) Check(ctx context.Context) error {
	if s.away {
		return store.ErrUnavailable
	}
	return s.Store.Check(ctx)
}

// TestMoreThanABatchIsStuck puts more records than are looked at once before one that can be collected.
func TestMoreThanABatchIsStuck(t *testing.T) {
	bad := &stuck{files: map[conversion.ID]bool{}}
	w := newWorld(t, func(s blob.Store) blob.Store { bad.Store = s; return bad })
	var first conversion.ID
	for range 105 {
		first = w.abandoned()
		bad.files[first] = true
	}
	good := w.completed()
	w.put(blob.Video, first, 0)
	w.db.Advance(721 * time.Hour)

	bad.away = true
	if err := w.CollectDoomed(t.Context()); !errors.Is(err, store.ErrUnavailable) || bad.tried > 100 {
		t.Errorf("a store that is away: %v after %d tries", err, bad.tried)
	}
	bad.away = false
	if err := w.CollectDoomed(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("told of nothing: %v", err)
	}
	w.want(good)
	w.want(first, blob.Video)
	clear(bad.files)
	w.collect()
	w.want(first)
}

// abandoned makes an upload that broke off.
func (w *world) abandoned() conversion.ID {
	w.Helper()
	id := conversion.NewID(time.Now())
	_, err := w.ledger.Receive(w.Context(), ledger.Upload{ID: id, Owner: owner})
	w.must(err)
	w.must(w.ledger.Abandon(w.Context(), id))
	return id
}

func TestStuckOrphans(t *testing.T) {
	bad := &stuck{files: map[conversion.ID]bool{}}
	w := newWorld(t, func(s blob.Store) blob.Store { bad.Store = s; return bad })
	var stays, goes []conversion.ID
	for i := range 205 {
		id := conversion.NewID(time.Now())
		w.put(blob.Video, id, 25*time.Hour)
		if bad.files[id] = i%2 == 0; bad.files[id] {
			stays = append(stays, id)
		} else {
			goes = append(goes, id)
		}
	}
	if err := w.CollectOrphans(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("told of nothing: %v", err)
	}
	for _, id := range stays {
		w.want(id, blob.Video)
	}
	for _, id := range goes {
		w.want(id)
	}
}

func TestOrphans(t *testing.T) {
	w := newWorld(t, itself)
	var old, young []conversion.ID
	for range 101 { // more than a batch
		id := conversion.NewID(time.Now())
		w.put(blob.MP3, id, 25*time.Hour)
		old = append(old, id)
	}
	for _, kind := range blob.Kinds {
		id := conversion.NewID(time.Now())
		w.put(kind, id, 23*time.Hour)
		young = append(young, id)
	}
	known := w.completed()
	w.put(blob.Video, known, 9000*time.Hour)
	w.put(blob.MP3, known, 9000*time.Hour)
	expired := w.completed()
	w.db.Advance(721 * time.Hour)
	w.must(w.blobs.Delete(t.Context(), blob.Video, expired))
	w.must(w.blobs.Delete(t.Context(), blob.MP3, expired))
	w.must(w.ledger.FilesRemoved(t.Context(), expired))
	w.put(blob.MP3, expired, 25*time.Hour) // written by one who had been asleep

	w.must(w.CollectOrphans(t.Context()))
	for _, id := range old {
		w.want(id)
	}
	w.want(young[0], blob.Video)
	w.want(young[1], blob.MP3)
	w.want(known, blob.Video, blob.MP3)
	w.want(expired)
}

// TestOrphansWithoutALedger must not take a ledger that is away for one that knows nothing.
func TestOrphansWithoutALedger(t *testing.T) {
	w := newWorld(t, itself)
	id := w.completed()
	w.put(blob.MP3, id, 25*time.Hour)
	w.must(w.db.Close())
	if err := w.CollectOrphans(t.Context()); err == nil {
		t.Error("no error")
	}
	w.want(id, blob.Video, blob.MP3)
}

// counting answers that nothing is to be done, and counts the questions.
type counting struct {
	ledger.Store // nil: nothing else may be called

	doomed int
}

func (c *counting) Doomed(context.Context, *ledger.Doom, int) ([]ledger.Record, error) {
	c.doomed++
	return nil, store.ErrUnavailable
}

func (*counting) OfClosed(context.Context, int) ([]conversion.ID, error) {
	return nil, store.ErrUnavailable
}

// TestRun wants it to go on although the database is away.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		records := &counting{}
		c := collector.New(collector.Config{Interval: time.Minute, OrphanInterval: 1000 * time.Hour},
			ledger.New(records, ledger.DefaultConfig()), nil, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute+time.Second)
		defer cancel()
		if err := c.Run(ctx); err != nil || records.doomed != 5 {
			t.Errorf("%v, looked %d times, want 5", err, records.doomed)
		}
	})
}

// TestClosedAccount has a conversion come in while its owner's account ends.
func TestClosedAccount(t *testing.T) {
	w := newWorld(t, itself)
	id := conversion.NewID(time.Now())
	_, err := w.ledger.Receive(t.Context(), ledger.Upload{ID: id, Owner: owner, Name: "talk.mp4"})
	w.must(err)
	w.must(sqlledger.New(w.db).Close(t.Context(), owner))
	w.put(blob.Video, id, 0)
	_, err = w.ledger.Accept(t.Context(), id, 5, "")
	w.must(err)
	w.must(w.ClearClosed(t.Context()))
	if _, err := w.ledger.Get(t.Context(), owner, id); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("get: %v, want ErrNotFound", err)
	}
	record, err := w.ledger.Peek(t.Context(), id)
	w.must(err)
	if record.FilesDue.IsZero() {
		t.Error("its files stay")
	}
}
