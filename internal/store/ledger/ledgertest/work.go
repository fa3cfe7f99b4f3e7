package ledgertest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/ledger"
)

func testHappyPath(t *testing.T, f *fixture) {
	ctx := t.Context()
	id := f.receive(upload(ada))
	f.expectStatus(id, conversion.Receiving)
	_, err := f.Accept(ctx, id, 122532426, digest)
	f.must(err)
	f.expectDue(id, ledger.WakeConverter)

	claim := f.claim(id)
	if claim.Attempts != 1 || claim.StartedAt.IsZero() {
		t.Errorf("claimed: %+v", claim)
	}
	f.must(f.Renew(ctx, id, claim.Fence, 0.5))
	if got := f.peek(id).Progress; got != 0.5 {
		t.Errorf("progress %v, want 0.5", got)
	}
	done, err := f.Complete(ctx, id, claim.Fence, video, mp3)
	f.must(err)
	if done.Status != conversion.Completed || done.Progress != 1 || done.ExpiresAt.Before(done.FinishedAt) {
		t.Errorf("completed: %+v", done)
	}
	if done.Video.Size != 122532426 || done.Video.SHA256 != digest || done.Video.Duration != video.Duration {
		t.Errorf("video: %+v", done.Video)
	}

	f.expectDue(id, ledger.WakeNotifier)
	mail, err := f.ClaimMail(ctx, id)
	f.must(err)
	f.must(f.MailDelivered(ctx, id, mail.Mail.Fence))
	if got := f.peek(id).Mail.Status; got != ledger.MailSent {
		t.Errorf("mail %s, want sent", got)
	}
	f.Advance(time.Hour)
	f.expectNothingDue()
}

func testRoundTrip(t *testing.T, f *fixture) {
	ctx := t.Context()
	quality, loudness := 4, -16.0
	start, end := conversion.Time(1500*time.Millisecond), conversion.Time(time.Minute)
	u := upload(ada)
	u.Name = "Día de los 🎬 <b>\"muertos\"</b> ' ; -- \\ .mp4"
	u.Options = conversion.Options{
		VBR: &quality, Mono: true, SampleRate: 44100, Start: &start, End: &end, Track: 2, Loudness: &loudness,
		Title: "Ärger 'n\" Co", Artist: "日本", Album: "x", Year: "1999",
	}
	u.IdempotencyKey = "key"
	inserted, err := f.Receive(ctx, u)
	f.must(err)
	if diff := cmp.Diff(inserted, f.peek(u.ID)); diff != "" {
		t.Errorf("stored record differs (-inserted +stored):\n%s", diff)
	}
	accepted, err := f.Accept(ctx, u.ID, 1<<40, digest)
	f.must(err)
	if diff := cmp.Diff(accepted, f.peek(u.ID)); diff != "" {
		t.Errorf("accepted record differs:\n%s", diff)
	}
	claim := f.claim(u.ID)
	failed, err := f.Fail(ctx, u.ID, claim.Fence, *conversion.Fail(conversion.NoAudioStream, "Ø sound"))
	f.must(err)
	got := f.peek(u.ID)
	if diff := cmp.Diff(failed, got); diff != "" {
		t.Errorf("failed record differs:\n%s", diff)
	}
	if diff := cmp.Diff(u.Options, got.Options); diff != "" {
		t.Errorf("options differ:\n%s", diff)
	}
	if got.Video.Name != u.Name || got.IdempotencyKey != "key" {
		t.Errorf("name %q, key %q", got.Video.Name, got.IdempotencyKey)
	}
}

func testOneClaim(t *testing.T, f *fixture) {
	claim := f.claimed()
	if _, err := f.Claim(t.Context(), claim.ID); !errors.Is(err, ledger.ErrHeld) {
		t.Errorf("second claim: %v, want ErrHeld", err)
	}
	if _, err := f.Claim(t.Context(), conversion.NewID(time.Now())); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("claim of nothing: %v, want ErrNotFound", err)
	}
	receiving := f.receive(upload(ada))
	if _, err := f.Claim(t.Context(), receiving); !errors.Is(err, ledger.ErrHeld) {
		t.Errorf("claim of an upload: %v, want ErrHeld", err)
	}
	done := f.completed()
	if _, err := f.Claim(t.Context(), done.ID); !errors.Is(err, ledger.ErrHeld) {
		t.Errorf("claim of a completed one: %v, want ErrHeld", err)
	}
}

func testClaimRace(t *testing.T, f *fixture) {
	id := f.queued()
	var winners atomic.Int32
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			switch _, err := f.Claim(t.Context(), id); {
			case err == nil:
				winners.Add(1)
			case !errors.Is(err, ledger.ErrHeld):
				t.Error(err)
			}
		})
	}
	group.Wait()
	if winners.Load() != 1 {
		t.Errorf("%d winners, want 1", winners.Load())
	}
	if got := f.peek(id).Attempts; got != 1 {
		t.Errorf("%d attempts, want 1", got)
	}
}

func testTakeover(t *testing.T, f *fixture) {
	ctx := t.Context()
	first := f.claimed()
	f.Advance(f.Config().Lease - time.Second)
	if _, err := f.Claim(ctx, first.ID); !errors.Is(err, ledger.ErrHeld) {
		t.Fatalf("claim within the lease: %v, want ErrHeld", err)
	}
	f.expectNothingDue()
	f.Advance(2 * time.Second)
	f.expectDue(first.ID, ledger.WakeConverter)
	second := f.claim(first.ID)
	if second.Attempts != 2 || second.Fence <= first.Fence {
		t.Errorf("second claim: attempts %d, fence %d after %d", second.Attempts, second.Fence, first.Fence)
	}
	stale := map[string]error{
		"renew":   f.Renew(ctx, first.ID, first.Fence, 0.9),
		"release": f.Release(ctx, first.ID, first.Fence),
	}
	_, stale["complete"] = f.Complete(ctx, first.ID, first.Fence, video, mp3)
	_, stale["fail"] = f.Fail(ctx, first.ID, first.Fence, *conversion.Fail(conversion.CorruptMedia, ""))
	_, stale["reschedule"] = f.Reschedule(ctx, first.ID, first.Fence, errors.New("late"))
	_, stale["postpone"] = f.Postpone(ctx, first.ID, first.Fence, errors.New("late"))
	for name, err := range stale {
		if !errors.Is(err, ledger.ErrStale) {
			t.Errorf("%s with an old fence: %v, want ErrStale", name, err)
		}
	}
	if diff := cmp.Diff(second, f.peek(first.ID)); diff != "" {
		t.Errorf("a stale caller changed the record:\n%s", diff)
	}
}

func testRenew(t *testing.T, f *fixture) {
	claim := f.claimed()
	for range 5 {
		f.Advance(f.Config().Lease - time.Second)
		f.must(f.Renew(t.Context(), claim.ID, claim.Fence, 0.1))
	}
	if _, err := f.Claim(t.Context(), claim.ID); !errors.Is(err, ledger.ErrHeld) {
		t.Errorf("claim: %v, want ErrHeld", err)
	}
	f.expectNothingDue()
}

func testReschedule(t *testing.T, f *fixture) {
	ctx := t.Context()
	claim := f.claimed()
	for attempt := 1; attempt < f.Config().MaxAttempts; attempt++ {
		record, err := f.Reschedule(ctx, claim.ID, claim.Fence, errors.New("disk is full"))
		f.must(err)
		if record.Status != conversion.Queued || record.LastError != "disk is full" {
			t.Fatalf("rescheduled: %+v", record)
		}
		wait := record.NotBefore.Sub(record.QueuedAt)
		if least := 5 * time.Second << (attempt - 1); wait < least || wait > least*6/5 {
			t.Errorf("back-off after attempt %d: %v, want %v and up to a fifth more", attempt, wait, least)
		}
		if _, err := f.Claim(ctx, claim.ID); !errors.Is(err, ledger.ErrHeld) {
			t.Fatalf("claim before it is due: %v, want ErrHeld", err)
		}
		f.expectNothingDue()
		f.Advance(wait + time.Second)
		f.expectDue(claim.ID, ledger.WakeConverter)
		claim = f.claim(claim.ID)
	}
	record, err := f.Reschedule(ctx, claim.ID, claim.Fence, errors.New("disk is full"))
	f.must(err)
	if record.Status != conversion.Failed || record.Failure.Slug != conversion.Internal {
		t.Errorf("after the last attempt: %s %v", record.Status, record.Failure)
	}
	f.expectDue(claim.ID, ledger.WakeNotifier)
}

// testPostpone has a store away for longer than any number of attempts lasts.
func testPostpone(t *testing.T, f *fixture) {
	first := f.claimed()
	claim := first
	for range 4 * f.Config().MaxAttempts {
		record, err := f.Postpone(t.Context(), claim.ID, claim.Fence, errors.New("store is away"))
		f.must(err)
		if record.Status != conversion.Queued || record.LastError != "store is away" || record.Attempts != 0 || !record.QueuedAt.Equal(first.QueuedAt) {
			t.Fatalf("postponed: %+v", record)
		}
		if _, err := f.Claim(t.Context(), claim.ID); !errors.Is(err, ledger.ErrHeld) {
			t.Fatalf("claim before it is due: %v, want ErrHeld", err)
		}
		f.expectNothingDue()
		f.Advance(record.NotBefore.Sub(claim.StartedAt) + time.Second)
		f.expectDue(claim.ID, ledger.WakeConverter)
		claim = f.claim(claim.ID)
	}
	if waited := claim.StartedAt.Sub(first.QueuedAt); claim.Attempts != 1 || waited < 10*time.Minute {
		t.Errorf("after %v it is at attempt %d; want 1, and pauses that grow", waited, claim.Attempts)
	}
}

func testCrashes(t *testing.T, f *fixture) {
	id := f.queued()
	for range f.Config().MaxAttempts {
		f.expectDue(id, ledger.WakeConverter)
		f.claim(id)
		f.Advance(f.Config().Lease + time.Second)
	}
	if _, err := f.Claim(t.Context(), id); !errors.Is(err, ledger.ErrHeld) {
		t.Errorf("claim with all attempts spent: %v, want ErrHeld", err)
	}
	f.expectDue(id, ledger.WakeNotifier)
	record := f.peek(id)
	if record.Status != conversion.Failed || record.Failure.Slug != conversion.Internal {
		t.Errorf("%s %v, want failed by internal", record.Status, record.Failure)
	}
	if _, err := f.ClaimMail(t.Context(), id); err != nil {
		t.Errorf("mail: %v", err)
	}
}

func testRelease(t *testing.T, f *fixture) {
	before := f.queued()
	claim := f.claim(before)
	f.must(f.Release(t.Context(), claim.ID, claim.Fence))
	f.expectDue(claim.ID, ledger.WakeConverter)
	again := f.claim(claim.ID)
	if again.Attempts != 1 || !again.QueuedAt.Equal(claim.QueuedAt) {
		t.Errorf("attempts %d, queued at %v; want 1, %v", again.Attempts, again.QueuedAt, claim.QueuedAt)
	}
}

func testFail(t *testing.T, f *fixture) {
	claim := f.claimed()
	failure := conversion.Fail(conversion.NoAudioStream, "There is no sound in it.")
	record, err := f.Fail(t.Context(), claim.ID, claim.Fence, *failure)
	f.must(err)
	if record.Status != conversion.Failed || *record.Failure != *failure || record.MP3 != nil {
		t.Errorf("failed: %+v", record)
	}
	f.expectDue(claim.ID, ledger.WakeNotifier)
}

func testWakeInterval(t *testing.T, f *fixture) {
	id := f.queued()
	for _, interval := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 10 * time.Minute, 10 * time.Minute} {
		f.expectDue(id, ledger.WakeConverter)
		f.expectNothingDue()
		f.Advance(interval - time.Second)
		f.expectNothingDue()
		f.Advance(time.Second + time.Millisecond)
	}
	f.expectDue(id, ledger.WakeConverter)
	f.claim(id)
}

func testRelayRace(t *testing.T, f *fixture) {
	const records = 20
	for range records {
		f.queued()
	}
	var mutex sync.Mutex
	hints := map[conversion.ID]int{}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range records {
				woken, err := f.ClaimDue(t.Context(), 3)
				if err != nil {
					t.Error(err)
					return
				}
				mutex.Lock()
				for _, record := range woken {
					hints[record.ID]++
				}
				mutex.Unlock()
			}
		})
	}
	group.Wait()
	if len(hints) != records {
		t.Errorf("%d records hinted, want %d", len(hints), records)
	}
	for id, count := range hints {
		if count != 1 {
			t.Errorf("%s hinted %d times", id, count)
		}
	}
}

func testRecover(t *testing.T, f *fixture) {
	ctx := t.Context()
	converting, receiving, hinted := f.claimed(), f.receive(upload(ada)), f.queued()
	mailing := f.completed()
	_, err := f.ClaimMail(ctx, mailing.ID)
	f.must(err)
	waiting := f.claimed()
	_, err = f.Reschedule(ctx, waiting.ID, waiting.Fence, errors.New("passing"))
	f.must(err)
	f.due()
	f.expectNothingDue()

	f.must(f.Recover(ctx))
	wakes := map[conversion.ID]ledger.Wake{}
	for _, record := range f.due() {
		wakes[record.ID] = record.Wake
	}
	want := map[conversion.ID]ledger.Wake{
		converting.ID: ledger.WakeConverter, hinted: ledger.WakeConverter,
		mailing.ID: ledger.WakeNotifier, receiving: ledger.WakeNobody,
	}
	if diff := cmp.Diff(want, wakes); diff != "" {
		t.Errorf("due after recovery (-want +got):\n%s", diff)
	}
	f.expectStatus(receiving, conversion.Deleted)
	if again := f.claim(converting.ID); again.Attempts != 2 {
		t.Errorf("%d attempts, want 2", again.Attempts)
	}
	f.Advance(10 * time.Second)
	f.expectDue(waiting.ID, ledger.WakeConverter)
}
