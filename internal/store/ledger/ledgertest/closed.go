package ledgertest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/ledger"
)

func testClose(t *testing.T, f *fixture) {
	ctx := t.Context()
	ids := map[conversion.ID]bool{f.completed().ID: true, f.queued(): true, f.receive(upload(ada)): true}
	running := f.claimed()
	ids[running.ID] = true
	gone := f.queued()
	_, err := f.Delete(ctx, ada, gone)
	f.must(err)
	others := f.receive(upload(brendan))

	buried, err := f.Close(ctx, ada)
	f.must(err)
	for _, record := range buried {
		if record.Status != conversion.Deleted || record.FilesDue.IsZero() || !ids[record.ID] {
			t.Errorf("buried: %+v", record)
		}
		delete(ids, record.ID)
	}
	if len(ids) != 0 {
		t.Errorf("not buried: %v", ids)
	}
	if err := f.Renew(ctx, running.ID, running.Fence, 0.5); !errors.Is(err, ledger.ErrStale) {
		t.Errorf("renew: %v, want ErrStale", err)
	}
	f.expectStatus(others, conversion.Receiving)
	if _, err := f.Receive(ctx, upload(ada)); !errors.Is(err, ledger.ErrClosed) {
		t.Errorf("receive for a closed owner: %v, want ErrClosed", err)
	}
	if again, err := f.Close(ctx, ada); err != nil || len(again) != 0 {
		t.Errorf("closed again: %v, %v", again, err)
	}
}

// testClearClosed has a conversion come in beside a Close, and waits until nobody has a token of the owner's any more.
func testClearClosed(t *testing.T, f *fixture) {
	ctx := t.Context()
	id := f.receive(upload(ada))
	f.must(f.Store.Close(ctx, ada))
	_, err := f.Accept(ctx, id, 1000, digest)
	f.must(err)
	buried, err := f.ClearClosed(ctx)
	f.must(err)
	if len(buried) != 1 || buried[0].ID != id {
		t.Errorf("buried: %+v, want %s", buried, id)
	}
	f.Advance(f.Config().TombstoneLife - time.Minute)
	if buried, err := f.ClearClosed(ctx); err != nil || len(buried) != 0 {
		t.Errorf("buried again: %+v, %v", buried, err)
	}
	if _, err := f.Receive(ctx, upload(ada)); !errors.Is(err, ledger.ErrClosed) {
		t.Errorf("receive: %v, want ErrClosed", err)
	}
	f.Advance(2 * time.Minute)
	_, err = f.ClearClosed(ctx)
	f.must(err)
	f.receive(upload(ada))
}

func testUsage(t *testing.T, f *fixture) {
	ctx := t.Context()
	expect := func(when string, want ledger.Usage) {
		t.Helper()
		got, err := f.Usage(ctx, ada)
		f.must(err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}
	expect("nothing", ledger.Usage{Conversions: map[conversion.Status]int{}})
	done := f.completed()
	f.queued()
	f.queued()
	f.receive(upload(ada))
	_, err := f.Delete(ctx, ada, f.queued())
	f.must(err)
	theirs := upload(brendan)
	f.receive(theirs)
	_, err = f.Accept(ctx, theirs.ID, 5<<40, digest)
	f.must(err)
	big := upload(ada)
	f.receive(big)
	_, err = f.Accept(ctx, big.ID, 3<<40, digest)
	f.must(err)
	counts := map[conversion.Status]int{conversion.Completed: 1, conversion.Queued: 3}
	expect("one of each", ledger.Usage{Conversions: counts, Bytes: 3<<40 + 3*1000 + mp3.Size})

	f.Advance(f.Config().Retention + time.Second)
	f.must(f.FilesRemoved(ctx, done.ID))
	expect("after the files have gone", ledger.Usage{Conversions: counts, Bytes: 3<<40 + 2*1000})
}
