package ledgertest

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/ledger"
)

func testUploads(t *testing.T, f *fixture) {
	ctx := t.Context()
	id := f.receive(upload(ada))
	if _, err := f.Get(ctx, ada, id); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("get while receiving: %v, want ErrNotFound", err)
	}
	f.expectNothingDue()
	f.must(f.KeepReceiving(ctx, id))
	f.must(f.Abandon(ctx, id))
	f.expectStatus(id, conversion.Deleted)
	if err := f.KeepReceiving(ctx, id); !errors.Is(err, ledger.ErrStale) {
		t.Errorf("keep receiving what was abandoned: %v, want ErrStale", err)
	}
	if _, err := f.Accept(ctx, id, 1, digest); !errors.Is(err, ledger.ErrStale) {
		t.Errorf("accept what was abandoned: %v, want ErrStale", err)
	}
	if err := f.Abandon(ctx, f.queued()); !errors.Is(err, ledger.ErrStale) {
		t.Errorf("abandon what was accepted: %v, want ErrStale", err)
	}
}

func testStalledUpload(t *testing.T, f *fixture) {
	id := f.receive(upload(ada))
	for range 3 {
		f.Advance(f.Config().ReceiveLease - time.Second)
		f.must(f.KeepReceiving(t.Context(), id))
	}
	f.expectNothingDue()
	f.Advance(f.Config().ReceiveLease + time.Second)
	f.expectDue(id, ledger.WakeNobody)
	f.expectStatus(id, conversion.Deleted)
	f.Advance(f.Config().Grace + time.Second)
	doomed, err := f.Doomed(t.Context(), nil, 10)
	f.must(err)
	if len(doomed) != 1 || doomed[0].ID != id {
		t.Errorf("doomed: %+v, want the upload", doomed)
	}
}

func testAdopt(t *testing.T, f *fixture) {
	ctx := t.Context()
	u := upload("")
	adopted, err := f.Adopt(ctx, u, 1000)
	f.must(err)
	if diff := cmp.Diff(adopted, f.peek(u.ID)); diff != "" {
		t.Errorf("stored record differs (-adopted +stored):\n%s", diff)
	}
	if adopted.Status != conversion.Queued || adopted.Username != u.Username || adopted.Video.Size != 1000 || adopted.QueuedAt.IsZero() {
		t.Errorf("adopted: %+v", adopted)
	}
	f.expectDue(u.ID, ledger.WakeConverter)
	claim := f.claim(u.ID)
	again, err := f.Adopt(ctx, u, 2000)
	f.must(err)
	if diff := cmp.Diff(claim, again); diff != "" {
		t.Errorf("adopted twice (-first +second):\n%s", diff)
	}
	f.must(f.Renew(ctx, u.ID, claim.Fence, 0.5))
	if _, err := f.Adopt(canceled(t), upload(""), 1000); err == nil {
		t.Error("adopted under a context that has ended")
	}
}

func testIdempotency(t *testing.T, f *fixture) {
	ctx := t.Context()
	first, second, other := upload(ada), upload(ada), upload(brendan)
	first.IdempotencyKey, second.IdempotencyKey, other.IdempotencyKey = "a", "a", "a"
	f.receive(first)
	got, err := f.Receive(ctx, second)
	if !errors.Is(err, ledger.ErrKeyInUse) || got.ID != first.ID {
		t.Errorf("same key: %s, %v; want %s and ErrKeyInUse", got.ID, err, first.ID)
	}
	f.receive(other)
	second.IdempotencyKey = "A"
	f.receive(second)
	f.receive(upload(ada))
	f.receive(upload(ada))

	f.must(f.Abandon(ctx, first.ID))
	again := upload(ada)
	again.IdempotencyKey = "a"
	f.receive(again)
}

func testMailRetry(t *testing.T, f *fixture) {
	ctx := t.Context()
	done := f.completed()
	for range 5 {
		claim, err := f.ClaimMail(ctx, done.ID)
		f.must(err)
		if _, err := f.ClaimMail(ctx, done.ID); !errors.Is(err, ledger.ErrHeld) {
			t.Fatalf("second claim: %v, want ErrHeld", err)
		}
		f.must(f.MailFailed(ctx, done.ID, claim.Mail.Fence, errors.New("greylisted")))
		if _, err := f.ClaimMail(ctx, done.ID); !errors.Is(err, ledger.ErrHeld) {
			t.Fatalf("claim before it is due: %v, want ErrHeld", err)
		}
		f.expectNothingDue()
		f.Advance(time.Hour + time.Second)
		f.expectDue(done.ID, ledger.WakeNotifier)
	}
	f.Advance(f.Config().MailPatience)
	f.due()
	claim, err := f.ClaimMail(ctx, done.ID)
	f.must(err)
	f.must(f.MailFailed(ctx, done.ID, claim.Mail.Fence, errors.New("greylisted")))
	if got := f.peek(done.ID); got.Mail.Status != ledger.MailGivenUp || got.Status != conversion.Completed {
		t.Errorf("mail %s of %s, want given up of completed", got.Mail.Status, got.Status)
	}
}

func testMailInDoubt(t *testing.T, f *fixture) {
	ctx := t.Context()
	done := f.completed()
	first, err := f.ClaimMail(ctx, done.ID)
	f.must(err)
	f.must(f.MailUncertain(ctx, done.ID, first.Mail.Fence, errors.New("cut")))
	f.Advance(time.Minute)
	second, err := f.ClaimMail(ctx, done.ID)
	f.must(err)
	if err := f.MailDelivered(ctx, done.ID, first.Mail.Fence); !errors.Is(err, ledger.ErrStale) {
		t.Errorf("old fence: %v, want ErrStale", err)
	}
	f.must(f.MailUncertain(ctx, done.ID, second.Mail.Fence, errors.New("cut")))
	if got := f.peek(done.ID).Mail.Status; got != ledger.MailUnknown {
		t.Errorf("mail %s, want unknown", got)
	}
	f.Advance(24 * time.Hour)
	f.expectNothingDue()
}

func testMailCrash(t *testing.T, f *fixture) {
	ctx := t.Context()
	done := f.completed()
	f.expectDue(done.ID, ledger.WakeNotifier)
	for range 2 {
		_, err := f.ClaimMail(ctx, done.ID)
		f.must(err)
		f.Advance(f.Config().MailLease - time.Second)
		f.expectNothingDue()
		f.Advance(2 * time.Second)
	}
	if _, err := f.ClaimMail(ctx, done.ID); !errors.Is(err, ledger.ErrHeld) {
		t.Errorf("third try after two crashes: %v, want ErrHeld", err)
	}
	f.expectDue(done.ID, ledger.WakeNobody)
	if got := f.peek(done.ID).Mail.Status; got != ledger.MailUnknown {
		t.Errorf("mail %s, want unknown", got)
	}
}

func testMailEnds(t *testing.T, f *fixture) {
	ctx := t.Context()
	done := f.completed()
	claim, err := f.ClaimMail(ctx, done.ID)
	f.must(err)
	f.must(f.ReleaseMail(ctx, done.ID, claim.Mail.Fence))
	claim, err = f.ClaimMail(ctx, done.ID)
	f.must(err)
	if claim.Mail.Attempts != 1 || claim.Mail.Uncertain {
		t.Errorf("after a release: %+v", claim.Mail)
	}
	f.must(f.MailRejected(ctx, done.ID, claim.Mail.Fence, errors.New("550 no such user")))
	if got := f.peek(done.ID); got.Mail.Status != ledger.MailRefused || got.LastError != "550 no such user" {
		t.Errorf("mail: %+v, %q", got.Mail, got.LastError)
	}
	if _, err := f.ClaimMail(ctx, f.queued()); !errors.Is(err, ledger.ErrHeld) {
		t.Errorf("mail of a queued one: %v, want ErrHeld", err)
	}
}

func testOwners(t *testing.T, f *fixture) {
	ctx := t.Context()
	id := f.queued()
	calls := map[string]func(context.Context, string, conversion.ID) (ledger.Record, error){
		"get": f.Get, "delete": f.Delete, "cancel": f.Cancel, "retry": f.Retry,
	}
	for name, call := range calls {
		if _, err := call(ctx, brendan, id); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("%s by another: %v, want ErrNotFound", name, err)
		}
		if _, err := call(ctx, ada, conversion.NewID(time.Now())); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("%s of nothing: %v, want ErrNotFound", name, err)
		}
	}
	f.expectStatus(id, conversion.Queued)
}

func testList(t *testing.T, f *fixture) {
	ctx := t.Context()
	var want []conversion.ID
	for range 5 {
		want = append([]conversion.ID{f.queued()}, want...)
	}
	_, err := f.Cancel(ctx, ada, want[1])
	f.must(err)
	gone := f.queued()
	_, err = f.Delete(ctx, ada, gone)
	f.must(err)
	f.receive(upload(ada))
	f.receive(upload(brendan))

	var got []conversion.ID
	query := ledger.Query{Owner: ada, Limit: 2}
	for {
		page, err := f.List(ctx, query)
		f.must(err)
		for _, record := range page {
			got = append(got, record.ID)
		}
		if len(page) < query.Limit {
			break
		}
		last := page[len(page)-1]
		query.After = &ledger.Cursor{CreatedAt: last.CreatedAt, ID: last.ID}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	only, err := f.List(ctx, ledger.Query{Owner: ada, Limit: 10, Status: conversion.Canceled})
	f.must(err)
	if len(only) != 1 || only[0].ID != want[1] {
		t.Errorf("canceled: %+v", only)
	}
}

func testPlaces(t *testing.T, f *fixture) {
	ids := []conversion.ID{f.queued(), f.queued(), f.queued()}
	look := func(want map[conversion.ID]int) {
		t.Helper()
		got, err := f.Places(t.Context(), f.peek(ids[2]), f.peek(ids[0]), f.peek(ids[1]))
		f.must(err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("places (-want +got):\n%s", diff)
		}
	}
	look(map[conversion.ID]int{ids[0]: 1, ids[1]: 2, ids[2]: 3})
	f.claim(ids[0])
	look(map[conversion.ID]int{ids[1]: 1, ids[2]: 2})
	f.claim(ids[1])
	f.claim(ids[2])
	look(map[conversion.ID]int{})
}

func testCancelRetry(t *testing.T, f *fixture) {
	ctx := t.Context()
	claim := f.claimed()
	record, err := f.Cancel(ctx, ada, claim.ID)
	f.must(err)
	if record.Status != conversion.Canceled || record.FinishedAt.IsZero() {
		t.Errorf("canceled: %+v", record)
	}
	if err := f.Renew(ctx, claim.ID, claim.Fence, 0.5); !errors.Is(err, ledger.ErrStale) {
		t.Errorf("renew after cancel: %v, want ErrStale", err)
	}
	f.Advance(time.Hour)
	f.expectNothingDue()
	if _, err := f.Cancel(ctx, ada, claim.ID); !errors.Is(err, ledger.ErrConflict) {
		t.Errorf("cancel twice: %v, want ErrConflict", err)
	}

	record, err = f.Retry(ctx, ada, claim.ID)
	f.must(err)
	if record.Status != conversion.Queued || record.Attempts != 0 || !record.FinishedAt.IsZero() || !record.FilesDue.IsZero() {
		t.Errorf("retried: %+v", record)
	}
	f.expectDue(claim.ID, ledger.WakeConverter)
	if _, err := f.Retry(ctx, ada, claim.ID); !errors.Is(err, ledger.ErrConflict) {
		t.Errorf("retry of a queued one: %v, want ErrConflict", err)
	}
	if again := f.claim(claim.ID); again.Fence <= claim.Fence {
		t.Errorf("fence %d after %d", again.Fence, claim.Fence)
	}
	if _, err := f.Retry(ctx, ada, f.completed().ID); !errors.Is(err, ledger.ErrConflict) {
		t.Errorf("retry of a completed one: %v, want ErrConflict", err)
	}
}

func testOperator(t *testing.T, f *fixture) {
	ctx := t.Context()
	claim := f.claimed()
	_, err := f.Fail(ctx, claim.ID, claim.Fence, *conversion.Fail(conversion.Internal, "x"))
	f.must(err)
	f.queued()
	failed, err := f.Failed(ctx, 10)
	f.must(err)
	if len(failed) != 1 || failed[0].ID != claim.ID {
		t.Errorf("failed: %+v", failed)
	}
	if _, err := f.RetryAny(ctx, claim.ID); err != nil {
		t.Errorf("retry: %v", err)
	}
	f.expectStatus(claim.ID, conversion.Queued)
	if failed, err := f.Failed(ctx, 10); err != nil || len(failed) != 0 {
		t.Errorf("failed after the retry: %+v, %v", failed, err)
	}
}

func testDelete(t *testing.T, f *fixture) {
	ctx := t.Context()
	claim := f.claimed()
	_, err := f.Delete(ctx, ada, claim.ID)
	f.must(err)
	if _, err := f.Get(ctx, ada, claim.ID); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("get after delete: %v, want ErrNotFound", err)
	}
	if _, err := f.Complete(ctx, claim.ID, claim.Fence, video, mp3); !errors.Is(err, ledger.ErrStale) {
		t.Errorf("complete after delete: %v, want ErrStale", err)
	}
	if doomed, err := f.Doomed(ctx, nil, 10); err != nil || len(doomed) != 0 {
		t.Fatalf("doomed within the grace time: %v, %v", doomed, err)
	}
	if err := f.FilesRemoved(ctx, claim.ID); !errors.Is(err, ledger.ErrConflict) {
		t.Errorf("files removed too early: %v, want ErrConflict", err)
	}
	for _, wait := range []time.Duration{f.Config().Grace, f.Config().TombstoneLife} {
		f.Advance(wait + time.Second)
		doomed, err := f.Doomed(ctx, nil, 10)
		f.must(err)
		if len(doomed) != 1 || doomed[0].ID != claim.ID {
			t.Fatalf("doomed after %v: %+v", wait, doomed)
		}
		f.must(f.FilesRemoved(ctx, claim.ID))
	}
	if _, err := f.Peek(ctx, claim.ID); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("the tombstone stays: %v", err)
	}
}

// testDoomedInPages wants every doomed record on one page, also where several have been due since the same moment.
func testDoomedInPages(t *testing.T, f *fixture) {
	ctx := t.Context()
	due := f.peek(f.queued()).CreatedAt
	unseen := map[conversion.ID]bool{}
	for i := range 9 {
		id := f.queued()
		_, err := f.Store.Update(ctx, id, func(r *ledger.Record, _ time.Time) error {
			r.FilesDue = due.Add(-time.Duration(i/3) * time.Second)
			return nil
		})
		f.must(err)
		unseen[id] = true
	}
	var after *ledger.Doom
	for page := range 6 {
		doomed, err := f.Doomed(ctx, after, 2)
		f.must(err)
		if want := min(2, 9-2*page); len(doomed) != max(0, want) {
			t.Fatalf("page %d: %+v", page, doomed)
		}
		for _, record := range doomed {
			if !unseen[record.ID] || after != nil && record.FilesDue.Before(after.FilesDue) {
				t.Errorf("page %d: %s, due %v, is out of place", page, record.ID, record.FilesDue)
			}
			delete(unseen, record.ID)
			after = &ledger.Doom{FilesDue: record.FilesDue, ID: record.ID}
		}
	}
}

// forgetful is a store whose process ends when it is about to forget a record.
type forgetful struct{ ledger.Store }

var errEnded = errors.New("the process has ended")

// Forget implements ledger.Store.
func (forgetful) Forget(context.Context, conversion.ID) error { return errEnded }

func testNearlyForgotten(t *testing.T, f *fixture) {
	ctx := t.Context()
	id := f.queued()
	_, err := f.Delete(ctx, ada, id)
	f.must(err)
	f.Advance(f.Config().Grace + time.Second)
	f.must(f.FilesRemoved(ctx, id))
	f.Advance(f.Config().TombstoneLife + time.Second)
	ending := ledger.New(forgetful{f.Store}, f.Config())
	if err := ending.FilesRemoved(ctx, id); !errors.Is(err, errEnded) {
		t.Fatalf("files removed: %v", err)
	}
	doomed, err := f.Doomed(ctx, nil, 10)
	f.must(err)
	if len(doomed) != 1 {
		t.Fatal("nobody will ever remove the tombstone")
	}
	f.must(f.FilesRemoved(ctx, id))
	if _, err := f.Peek(ctx, id); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("the tombstone stays: %v", err)
	}
}

func testRetention(t *testing.T, f *fixture) {
	ctx := t.Context()
	done := f.completed()
	f.Advance(f.Config().Retention + time.Second)
	doomed, err := f.Doomed(ctx, nil, 10)
	f.must(err)
	if len(doomed) != 1 {
		t.Fatalf("doomed: %+v", doomed)
	}
	f.must(f.FilesRemoved(ctx, done.ID))
	record, err := f.Get(ctx, ada, done.ID)
	f.must(err)
	if err := record.Downloadable(time.Now()); !errors.Is(err, ledger.ErrExpired) {
		t.Errorf("downloadable: %v, want ErrExpired", err)
	}
	if doomed, err := f.Doomed(ctx, nil, 10); err != nil || len(doomed) != 0 {
		t.Errorf("doomed again: %v, %v", doomed, err)
	}

	claim := f.claimed()
	_, err = f.Fail(ctx, claim.ID, claim.Fence, *conversion.Fail(conversion.TimedOut, ""))
	f.must(err)
	f.Advance(f.Config().Retention + time.Second)
	if _, err := f.Retry(ctx, ada, claim.ID); !errors.Is(err, ledger.ErrExpired) {
		t.Errorf("retry without a video: %v, want ErrExpired", err)
	}
}

func testKnown(t *testing.T, f *fixture) {
	id, orphan := f.queued(), conversion.NewID(time.Now())
	known, err := f.Known(t.Context(), []conversion.ID{id, orphan})
	f.must(err)
	if !known[id] || known[orphan] {
		t.Errorf("known: %v", known)
	}
	if known, err := f.Known(t.Context(), nil); err != nil || len(known) != 0 {
		t.Errorf("known of none: %v, %v", known, err)
	}
}

func testSecret(t *testing.T, f *fixture) {
	offer := []byte{0, 255, 'a', '\''}
	first, err := f.Secret(t.Context(), "links", offer)
	f.must(err)
	second, err := f.Secret(t.Context(), "links", []byte("another"))
	f.must(err)
	if !bytes.Equal(first, offer) || !bytes.Equal(second, offer) {
		t.Errorf("secrets %x, %x; want %x twice", first, second, offer)
	}
}

func testDeadContext(t *testing.T, f *fixture) {
	id := f.queued()
	before := f.peek(id)
	if _, err := f.Claim(canceled(t), id); !errors.Is(err, context.Canceled) {
		t.Errorf("claim: %v, want context.Canceled", err)
	}
	if diff := cmp.Diff(before, f.peek(id)); diff != "" {
		t.Errorf("a dead caller changed the record:\n%s", diff)
	}
}
