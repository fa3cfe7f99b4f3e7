package converter_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/internal/store"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/ledger"
	"github.com/unreel/unreel/internal/store/ledger/sqlledger"
)

var second = mediatest.Spec{Seconds: 1}

func ended(r ledger.Record) bool { return r.Status.Terminal() }

func TestConvert(t *testing.T) {
	for name, hide := range map[string]bool{"where it lies": false, "from a copy": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if hide {
				w.blobs = struct{ blob.Store }{w.disk}
			}
			w.start()
			id := w.queued(mediatest.Bytes(t, second))
			w.hint(id)
			record := w.eventually(id, "the end", ended)
			if record.Status != conversion.Completed || record.Attempts != 1 || record.Progress != 1 || record.Video.Codec != "aac" {
				t.Fatalf("got %+v", record)
			}
			path, err := w.disk.Path(blob.MP3, id)
			w.must(err)
			content, err := os.ReadFile(path)
			w.must(err)
			if digest := sha256.Sum256(content); hex.EncodeToString(digest[:]) != record.MP3.SHA256 || int64(len(content)) != record.MP3.Size {
				t.Error("the MP3 that is kept is not the one that the record describes")
			}
			if hz := mediatest.Decode(t, path).Frequency(0); hz < 438 || hz > 442 {
				t.Errorf("hears %v Hz", hz)
			}
			w.stop()
		})
	}
}

// TestFailsForGood wants no second attempt for what would only fail again.
func TestFailsForGood(t *testing.T) {
	for name, test := range map[string]struct {
		video  []byte
		slug   conversion.Slug
		copied bool // before it is converted
	}{
		"no video there":   {nil, conversion.Internal, false},
		"no video to copy": {nil, conversion.Internal, true},
		"text":             {[]byte(strings.Repeat("not a video\n", 1000)), conversion.UnsupportedMedia, true},
		"without sound":    {mediatest.Bytes(t, mediatest.Spec{Seconds: 1, NoSound: true}), conversion.NoAudioStream, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if test.copied {
				w.blobs = struct{ blob.Store }{w.disk}
			}
			w.start()
			id := w.queued(test.video)
			w.hint(id)
			record := w.eventually(id, "the end", ended)
			if record.Failure == nil || record.Failure.Slug != test.slug || record.Attempts != 1 || w.has(blob.MP3, id) {
				t.Errorf("got %+v", record)
			}
			w.stop()
		})
	}
}

// TestPassingErrors wants another attempt, later, for what may be over then; one that a store spoiled does not count.
func TestPassingErrors(t *testing.T) {
	strange := errors.New("strange")
	away := fmt.Errorf("%w: strange", store.ErrUnavailable)
	for name, want := range map[string]struct {
		fail     func(*door)
		attempts int
	}{
		"create fails":                {func(d *door) { d.create = strange }, 1},
		"write fails":                 {func(d *door) { d.write = strange }, 1},
		"commit fails":                {func(d *door) { d.commit = strange }, 1},
		"fetch fails":                 {func(d *door) { d.open = strange }, 1},
		"store away when fetching":    {func(d *door) { d.open = away }, 0},
		"store away when creating":    {func(d *door) { d.create = away }, 0},
		"store away when writing":     {func(d *door) { d.write = away }, 0},
		"store away when committing":  {func(d *door) { d.commit = away }, 0},
		"store full when committing":  {func(d *door) { d.commit = fmt.Errorf("%w: strange", blob.ErrFull) }, 0},
		"ledger full when committing": {func(d *door) { d.commit = fmt.Errorf("%w: strange", store.ErrFull) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			door := newDoor(w)
			want.fail(door)
			close(door.pass)
			w.start()
			id := w.queued(mediatest.Bytes(t, second))
			w.hint(id)
			record := w.eventually(id, "a second chance", func(r ledger.Record) bool { return r.LastError != "" })
			if record.Status != conversion.Queued || record.Attempts != want.attempts || !record.NotBefore.After(record.StartedAt.Add(4*time.Second)) ||
				!strings.Contains(record.LastError, "strange") || w.has(blob.MP3, id) {
				t.Errorf("got %+v", record)
			}
			w.stop()
		})
	}
}

// TestStaleResult ends the claim while its MP3 is being stored: the MP3 must go if the conversion is deleted, and stay
// if another converter's may ever be in its place.
func TestStaleResult(t *testing.T) {
	for name, test := range map[string]struct {
		meanwhile func(w *world, id conversion.ID)
		kept      bool
	}{
		"canceled": {func(w *world, id conversion.ID) {
			_, err := w.ledger.Cancel(w.Context(), owner, id)
			w.must(err)
		}, true},
		"deleted": {func(w *world, id conversion.ID) {
			_, err := w.ledger.Delete(w.Context(), owner, id)
			w.must(err)
		}, false},
		"forgotten": {func(w *world, id conversion.ID) {
			_, err := w.ledger.Delete(w.Context(), owner, id)
			w.must(err)
			for range 2 {
				w.db.Advance(25 * time.Hour)
				w.must(w.ledger.FilesRemoved(w.Context(), id))
			}
		}, false},
		"taken over": {func(w *world, id conversion.ID) {
			w.db.Advance(2 * time.Minute)
			_, err := w.ledger.Claim(w.Context(), id)
			w.must(err)
		}, true},
		"completed by another": {func(w *world, id conversion.ID) {
			w.db.Advance(2 * time.Minute)
			claim, err := w.ledger.Claim(w.Context(), id)
			w.must(err)
			_, err = w.ledger.Complete(w.Context(), id, claim.Fence, conversion.Video{}, conversion.MP3{})
			w.must(err)
		}, true},
		"failed by another": {func(w *world, id conversion.ID) {
			w.db.Advance(2 * time.Minute)
			claim, err := w.ledger.Claim(w.Context(), id)
			w.must(err)
			_, err = w.ledger.Fail(w.Context(), id, claim.Fence, *conversion.Fail(conversion.Internal, "x"))
			w.must(err)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			door := newDoor(w)
			w.start()
			id := w.queued(mediatest.Bytes(t, second))
			w.hint(id)
			door.wait()
			test.meanwhile(w, id)
			close(door.pass)
			w.stop()
			if got := w.has(blob.MP3, id); got != test.kept || !door.committed.Load() {
				t.Errorf("MP3 there: %v, want %v; stored at all: %v", got, test.kept, door.committed.Load())
			}
		})
	}
}

// TestStaleResultOfWhatIsTriedAgain completes a conversion anew, between the moment when the converter that was
// fenced out looks at the record and the moment when it could remove the MP3.
func TestStaleResultOfWhatIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	door := newDoor(w)
	id := w.queued(mediatest.Bytes(t, second))
	again := sync.OnceFunc(func() {
		_, err := w.ledger.Retry(w.Context(), owner, id)
		w.must(err)
		claim, err := w.ledger.Claim(w.Context(), id)
		w.must(err)
		w.put(blob.MP3, id, []byte("another's"))
		_, err = w.ledger.Complete(w.Context(), id, claim.Fence, conversion.Video{}, conversion.MP3{})
		w.must(err)
	})
	door.deleting = again
	w.start()
	w.hint(id)
	door.wait()
	_, err := w.ledger.Cancel(w.Context(), owner, id)
	w.must(err)
	close(door.pass)
	w.stop()
	again()
	if !door.committed.Load() || !w.has(blob.MP3, id) {
		t.Errorf("stored at all: %v, the other's MP3 is there: %v", door.committed.Load(), w.has(blob.MP3, id))
	}
}

// TestStoppedAtTheLastMoment has a converter stand still between the last look at its claim and the commit of its MP3,
// while another one completes the conversion: that one's MP3 stays.
func TestStoppedAtTheLastMoment(t *testing.T) {
	w := newWorld(t)
	door := newDoor(w)
	w.start()
	id := w.queued(mediatest.Bytes(t, second))
	w.hint(id)
	door.wait()
	w.db.Advance(2 * time.Minute)
	claim, err := w.ledger.Claim(w.Context(), id)
	w.must(err)
	w.putClaimed(blob.MP3, id, []byte("the winner's"), claim.Fence)
	completed, err := w.ledger.Complete(w.Context(), id, claim.Fence, conversion.Video{}, conversion.MP3{})
	w.must(err)
	close(door.pass)
	w.stop()
	path, err := w.disk.Path(blob.MP3, id)
	w.must(err)
	stored, err := os.ReadFile(path)
	w.must(err)
	if !door.committed.Load() || string(stored) != "the winner's" {
		t.Errorf("tried to store: %v; %d bytes are stored that are not the winner's", door.committed.Load(), len(stored))
	}
	if diff := cmp.Diff(completed, w.record(id)); diff != "" {
		t.Errorf("the record was changed (-completed +now):\n%s", diff)
	}
}

// TestStopHandsBack stops a converter whose grace is over: the attempt must not count.
func TestStopHandsBack(t *testing.T) {
	w := newWorld(t)
	w.grace = 0
	door := newDoor(w)
	w.start()
	id := w.queued(mediatest.Bytes(t, second))
	before := w.record(id)
	w.hint(id)
	door.wait()
	w.stop()
	record := w.record(id)
	if record.Status != conversion.Queued || record.Attempts != 0 || !record.QueuedAt.Equal(before.QueuedAt) || w.has(blob.MP3, id) {
		t.Errorf("got %+v", record)
	}
	if _, err := w.ledger.Claim(w.Context(), id); err != nil {
		t.Errorf("cannot be claimed at once: %v", err)
	}
}

// TestStopFinishes stops a converter that has time to finish.
func TestStopFinishes(t *testing.T) {
	w := newWorld(t)
	door := newDoor(w)
	w.start()
	id := w.queued(mediatest.Bytes(t, second))
	w.hint(id)
	door.wait()
	time.AfterFunc(50*time.Millisecond, func() { close(door.pass) })
	w.stop()
	if record := w.record(id); record.Status != conversion.Completed {
		t.Errorf("got %+v", record)
	}
}

// TestNewsOfACancellation must end the work on what was canceled, and hand back what was retried since.
func TestNewsOfACancellation(t *testing.T) {
	for name, late := range map[string]bool{"in time": false, "late": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			door := newDoor(w)
			w.start()
			id := w.queued(mediatest.Bytes(t, second))
			w.hint(id)
			door.wait()
			if !late {
				_, err := w.ledger.Cancel(w.Context(), owner, id)
				w.must(err)
			}
			for waiting := true; waiting; { // until the converter has subscribed
				w.must(w.queue.Announce(w.Context(), conversion.Event{ID: id, Owner: owner, Status: conversion.Canceled}))
				select {
				case <-door.left:
					waiting = false
				case <-time.After(10 * time.Millisecond):
				}
			}
			w.stop()
			record := w.record(id)
			if !late && (record.Status != conversion.Canceled || record.Attempts != 1) || late && (record.Status != conversion.Queued || record.Attempts != 0) {
				t.Errorf("got %+v", record)
			}
			if w.has(blob.MP3, id) {
				t.Error("an MP3 was left behind")
			}
		})
	}
}

// TestCrashedBefore wants what an earlier process left in the scratch folder to go.
func TestCrashedBefore(t *testing.T) {
	w := newWorld(t)
	w.must(os.MkdirAll(w.scratch+"/old", 0o700))
	w.must(os.WriteFile(w.scratch+"/old/half.mp3", []byte("half"), 0o600))
	w.start()
	w.wantCleanScratch()
}

// TestLedgerAway settles nothing, and leaves what it has to its lease.
func TestLedgerAway(t *testing.T) {
	w := newWorld(t)
	door := newDoor(w)
	w.start()
	id := w.queued(mediatest.Bytes(t, second))
	w.hint(id)
	door.wait()
	if _, err := w.ledger.Claim(context.Background(), id); !errors.Is(err, ledger.ErrHeld) {
		t.Errorf("claimed while it is converted: %v", err)
	}
	w.must(w.db.Close())
	close(door.pass)
	w.stop()
	if !w.has(blob.MP3, id) {
		t.Error("the MP3 was removed although its conversion may have been completed")
	}
}

// TestLedgerFullForAMoment wants the outcome to be written down as soon as there is room, long before the lease ends.
func TestLedgerFullForAMoment(t *testing.T) {
	for name, want := range map[string]struct {
		commit  error
		settled func(ledger.Record) bool
	}{
		"a result": {nil, func(r ledger.Record) bool { return r.Status == conversion.Completed && r.Attempts == 1 }},
		"an error": {errors.New("no room to commit"), func(r ledger.Record) bool { return r.LastError != "" }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			full := &fullLedger{Store: sqlledger.New(w.db), refused: make(chan struct{})}
			w.ledger = ledger.New(full, ledger.DefaultConfig())
			door := newDoor(w)
			door.commit = want.commit
			w.start()
			id := w.queued(mediatest.Bytes(t, second))
			w.hint(id)
			door.wait()
			full.is.Store(true)
			close(door.pass)
			for range 3 {
				select {
				case <-full.refused:
				case <-time.After(patience):
					t.Fatal("the outcome was not tried again")
				}
			}
			full.is.Store(false)
			w.eventually(id, "the outcome", want.settled)
			w.stop()
		})
	}
}

// fullLedger refuses every change while it is full.
type fullLedger struct {
	ledger.Store

	is      atomic.Bool
	refused chan struct{}
}

func (f *fullLedger) Update(ctx context.Context, id conversion.ID, change func(r *ledger.Record, now time.Time) error) (ledger.Record, error) {
	if f.is.Load() {
		select {
		case f.refused <- struct{}{}:
		case <-ctx.Done():
		}
		return ledger.Record{}, store.ErrFull
	}
	return f.Store.Update(ctx, id, change)
}
