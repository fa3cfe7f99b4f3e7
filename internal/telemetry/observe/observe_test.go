package observe_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/mail"
	"github.com/unreel/unreel/internal/queue"
	"github.com/unreel/unreel/internal/queue/local"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/blob/disk"
	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/internal/store/ledger"
	"github.com/unreel/unreel/internal/store/ledger/sqlledger"
	"github.com/unreel/unreel/internal/telemetry"
	"github.com/unreel/unreel/internal/telemetry/observe"
)

// world is a ledger that is watched.
type world struct {
	*testing.T
	*ledger.Ledger
	watched *telemetry.Telemetry
	store   ledger.Store
	db      *database.DB
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := database.Open("sqlite:" + filepath.Join(t.TempDir(), "unreel.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	kept := sqlledger.New(db)
	if err := kept.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, db: db, watched: watch(t)}
	w.store = observe.Ledger(kept, w.watched)
	w.Ledger = ledger.New(w.store, ledger.DefaultConfig())
	return w
}

func watch(t *testing.T) *telemetry.Telemetry {
	t.Helper()
	watched, err := telemetry.New(t.Context(), telemetry.Config{
		Service: "all", Getenv: func(string) string { return "" }, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return watched
}

// samples is what is exposed and not zero, of the metrics whose names a pattern matches.
func samples(t *testing.T, watched *telemetry.Telemetry, pattern string) map[string]string {
	t.Helper()
	answer := httptest.NewRecorder()
	watched.Metrics.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	found := map[string]string{}
	for line := range strings.Lines(answer.Body.String()) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if value != "0" && regexp.MustCompile("^unreel_("+pattern+")").MatchString(name) {
			found[strings.TrimPrefix(name, "unreel_")] = value
		}
	}
	return found
}

func (w *world) expect(pattern string, want map[string]string) {
	w.Helper()
	if diff := cmp.Diff(want, samples(w.T, w.watched, pattern)); diff != "" {
		w.Errorf("metrics (-want +got):\n%s", diff)
	}
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) queued() conversion.ID {
	w.Helper()
	id := conversion.NewID(time.Now())
	_, err := w.Receive(w.Context(), ledger.Upload{ID: id, Owner: "ada"})
	w.must(err)
	_, err = w.Accept(w.Context(), id, 1, "00")
	w.must(err)
	return id
}

func (w *world) claim(id conversion.ID) ledger.Record {
	w.Helper()
	record, err := w.Claim(w.Context(), id)
	w.must(err)
	return record
}

// TestLedgerCounts brings conversions to every end there is.
func TestLedgerCounts(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()

	done := w.claim(w.queued())
	w.db.Advance(20 * time.Second)
	w.must(w.Renew(ctx, done.ID, done.Fence, 0.5))
	_, err := w.Complete(ctx, done.ID, done.Fence, conversion.Video{}, conversion.MP3{Duration: 90 * time.Second})
	w.must(err)

	failed := w.claim(w.queued())
	_, err = w.Fail(ctx, failed.ID, failed.Fence, *conversion.Fail(conversion.NoAudioStream, ""))
	w.must(err)

	unheardOf := w.claim(w.queued())
	_, err = w.Fail(ctx, unheardOf.ID, unheardOf.Fence, *conversion.Fail("made-up", ""))
	w.must(err)

	retried := w.claim(w.queued())
	_, err = w.Reschedule(ctx, retried.ID, retried.Fence, errors.New("passing"))
	w.must(err)
	w.must(w.remove(ctx, retried.ID))

	released := w.claim(w.queued())
	w.must(w.Release(ctx, released.ID, released.Fence))
	canceled := w.claim(released.ID)
	_, err = w.Cancel(ctx, "ada", canceled.ID)
	w.must(err)

	// One whose converters die until its attempts are spent: four are taken over, the relay ends the fifth.
	crashed := w.queued()
	for range w.Config().MaxAttempts {
		w.claim(crashed)
		w.db.Advance(w.Config().Lease + time.Second)
	}
	_, err = w.ClaimDue(ctx, 100)
	w.must(err)

	if _, err := w.Adopt(ctx, ledger.Upload{ID: conversion.NewID(time.Now()), Username: "a@example.org"}, 1); err != nil {
		t.Fatal(err)
	}

	w.expect("conversions_accepted|attempts_begun|audio|conversions_failed|attempt_duration_seconds_count|queue_wait_seconds_count", map[string]string{
		"conversions_accepted_total":                          "7",
		"attempts_begun_total":                                "11",
		"audio_seconds_total":                                 "90",
		`attempt_duration_seconds_count{outcome="completed"}`: "1",
		`attempt_duration_seconds_count{outcome="failed"}`:    "2",
		`attempt_duration_seconds_count{outcome="retried"}`:   "1",
		`attempt_duration_seconds_count{outcome="released"}`:  "1",
		`attempt_duration_seconds_count{outcome="canceled"}`:  "1",
		`attempt_duration_seconds_count{outcome="lost"}`:      "5",
		`conversions_failed_total{slug="no-audio-stream"}`:    "1",
		`conversions_failed_total{slug="internal"}`:           "2",
		"queue_wait_seconds_count":                            "7",
	})
}

// remove is Delete without its record.
func (w *world) remove(ctx context.Context, id conversion.ID) error {
	_, err := w.Delete(ctx, "ada", id)
	return err
}

// TestMailCounts brings mails to every end there is.
func TestMailCounts(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	claimed := func() ledger.Record {
		claim := w.claim(w.queued())
		_, err := w.Complete(ctx, claim.ID, claim.Fence, conversion.Video{}, conversion.MP3{})
		w.must(err)
		record, err := w.ClaimMail(ctx, claim.ID)
		w.must(err)
		return record
	}
	sent, refused, again, unsure := claimed(), claimed(), claimed(), claimed()
	w.must(w.MailDelivered(ctx, sent.ID, sent.Mail.Fence))
	w.must(w.MailRejected(ctx, refused.ID, refused.Mail.Fence, errors.New("no")))
	w.must(w.MailFailed(ctx, again.ID, again.Mail.Fence, errors.New("later")))
	w.must(w.MailUncertain(ctx, unsure.ID, unsure.Mail.Fence, errors.New("lost")))
	w.db.Advance(time.Hour)
	unsure, err := w.ClaimMail(ctx, unsure.ID)
	w.must(err)
	w.must(w.MailUncertain(ctx, unsure.ID, unsure.Mail.Fence, errors.New("lost")))
	w.db.Advance(w.Config().MailPatience)
	again, err = w.ClaimMail(ctx, again.ID)
	w.must(err)
	w.must(w.MailFailed(ctx, again.ID, again.Mail.Fence, errors.New("never")))
	w.expect("mails_total", map[string]string{
		`mails_total{result="sent"}`: "1", `mails_total{result="refused"}`: "1", `mails_total{result="retried"}`: "2",
		`mails_total{result="unknown"}`: "1", `mails_total{result="given-up"}`: "1",
	})
}

// answering is a mail server that answers as it is told.
type answering struct {
	mail.Sender

	answer error
}

func (a *answering) Send(context.Context, mail.Message) error { return a.answer }

// TestAccountMailCounts has mails about accounts be taken, refused and left.
func TestAccountMailCounts(t *testing.T) {
	watched, server := watch(t), &answering{}
	sender := observe.AccountMail(server, watched)
	for _, server.answer = range []error{nil, mail.ErrRefused, mail.ErrUnknown, errors.New("away"), errors.New("away")} {
		if err := sender.Send(t.Context(), mail.Message{}); !errors.Is(err, server.answer) {
			t.Errorf("got %v, want %v", err, server.answer)
		}
	}
	want := map[string]string{
		`account_mails_total{result="sent"}`: "1", `account_mails_total{result="refused"}`: "1",
		`account_mails_total{result="unknown"}`: "1", `account_mails_total{result="failed"}`: "2",
	}
	if diff := cmp.Diff(want, samples(t, watched, "account_mails_total")); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

// TestWebhookCallCounts has calls of webhooks end in every way there is.
func TestWebhookCallCounts(t *testing.T) {
	w := newWorld(t)
	hooks := w.Webhooks()
	w.must(hooks.EndDelivery(t.Context(), "a"))
	w.must(hooks.PutOffDelivery(t.Context(), "a", time.Hour))
	w.must(hooks.PutOffDelivery(t.Context(), "b", time.Hour))
	_, err := hooks.GiveUpDelivery(t.Context(), "c")
	w.must(err)
	w.must(hooks.DisableWebhook(t.Context(), "c"))
	w.expect("webhook_calls_total", map[string]string{
		`webhook_calls_total{result="sent"}`: "1", `webhook_calls_total{result="retried"}`: "2", `webhook_calls_total{result="disabled"}`: "1",
		`webhook_calls_total{result="given-up"}`: "1",
	})
}

// TestTraceIsKept wants the record to know the request's trace, or to begin one.
func TestTraceIsKept(t *testing.T) {
	const place = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	w := newWorld(t)
	for _, given := range []string{place, ""} {
		record, err := w.Receive(telemetry.WithTraceparent(t.Context(), given), ledger.Upload{ID: conversion.NewID(time.Now()), Owner: "ada"})
		w.must(err)
		stored, err := w.Peek(t.Context(), record.ID)
		w.must(err)
		if given != "" && stored.Trace != given || len(stored.Trace) != len(place) {
			t.Errorf("asked for in the trace %q, remembered as %q", given, stored.Trace)
		}
	}
}

// TestLedgerState asks the ledger once it has something to say.
func TestLedgerState(t *testing.T) {
	w := newWorld(t)
	w.watched.Metrics.Register(observe.LedgerState(w.Ledger))
	w.queued()
	w.claim(w.queued())
	w.expect("conversions|oldest|mails_waiting", map[string]string{
		`conversions{status="queued"}`: "1", `conversions{status="converting"}`: "1", "conversions_due": "1",
		"conversions_accepted_total": "2",
		"oldest_due_seconds":         samples(t, w.watched, "oldest_due")["oldest_due_seconds"], // not to be foretold
	})
	if _, found := samples(t, w.watched, "oldest_due")["oldest_due_seconds"]; !found {
		t.Error("no age of the oldest")
	}
}

// TestQueue takes a hint through a queue, with its trace.
func TestQueue(t *testing.T) {
	watched := watch(t)
	hints := observe.Queue(local.New(slog.New(slog.DiscardHandler)), watched)
	ctx, stop := context.WithCancel(t.Context())
	id := conversion.NewID(time.Now())
	traces, done := make(chan string, 3), make(chan error, 1)
	go func() {
		results := []error{nil, queue.ErrReject, errors.New("later")}
		done <- hints.Consume(ctx, queue.Video, 1, func(ctx context.Context, _ queue.Message) error {
			traces <- telemetry.Traceparent(ctx)
			result := results[0]
			results = results[1:]
			return result
		})
	}()
	const place = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for i, given := range []string{place, "", "nonsense"} {
		if err := hints.Publish(t.Context(), queue.Video, queue.Message{VideoID: id, Trace: given}); err != nil {
			t.Fatal(err)
		}
		if got := <-traces; i == 0 && got != place || len(got) != len(place) {
			t.Errorf("sent in the trace %q, handled in %q", given, got)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		`hints_published_total{result="sent",topic="video"}`:  "3",
		`hints_handled_total{result="handled",topic="video"}`: "1", `hints_handled_total{result="rejected",topic="video"}`: "1",
		`hints_handled_total{result="failed",topic="video"}`: "1",
		`worker_slots{topic="video"}`:                        "1",
	}
	if diff := cmp.Diff(want, samples(t, watched, "hints|worker")); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	if _, ok := hints.(queue.DeadLetters); ok {
		t.Error("a queue without dead letters has some once it is watched")
	}
}

// TestBlobs counts bytes, and wants a store of files to stay one.
func TestBlobs(t *testing.T) {
	watched := watch(t)
	files, err := disk.Open(disk.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { files.Close() })
	blobs := observe.Blobs(files, watched)
	ctx := telemetry.WithTrace(t.Context())
	id := conversion.NewID(time.Now())
	writer, err := blobs.Create(ctx, blob.Video, id)
	if err != nil {
		t.Fatal(err)
	}
	_, err = writer.Write(bytes.Repeat([]byte("x"), 1000))
	err = errors.Join(err, writer.Commit(ctx, blob.Meta{}), writer.Abort())
	if err != nil {
		t.Fatal(err)
	}
	appender, err := blobs.Append(ctx, blob.Video, conversion.NewID(time.Now()), 1, blob.Mark{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = appender.Write([]byte("x"))
	_, synced := appender.Sync(ctx)
	err = errors.Join(err, synced, appender.Commit(ctx, blob.Meta{}), appender.Close())
	if err != nil {
		t.Fatal(err)
	}
	reader, err := blobs.Open(ctx, blob.Video, id)
	if err != nil {
		t.Fatal(err)
	}
	if read, err := io.ReadAll(reader); len(read) != 1000 || err != nil || reader.Info().Size != 1000 {
		t.Errorf("read %d bytes, %v", len(read), err)
	}
	reader.Close()
	if local, ok := blobs.(blob.Local); !ok {
		t.Error("a store of files is none once it is watched")
	} else if _, err := local.Path(blob.Video, id); err != nil {
		t.Error(err)
	}
	if err := blobs.Delete(ctx, blob.Video, id); err != nil {
		t.Error(err)
	}
	want := map[string]string{
		`blob_bytes_total{direction="written",kind="videos"}`: "1001", `blob_bytes_total{direction="read",kind="videos"}`: "1000",
	}
	if diff := cmp.Diff(want, samples(t, watched, "blob")); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	if _, ok := observe.Blobs(struct{ blob.Store }{files}, watched).(blob.Local); ok {
		t.Error("a store elsewhere has files here once it is watched")
	}
}

// deaf is a mail server that is away.
type deaf struct{ mail.Sender }

func (deaf) Send(context.Context, mail.Message) error {
	return errors.New("connection refused")
}

// TestUnavailable counts what a server that is away cost.
func TestUnavailable(t *testing.T) {
	watched := watch(t)
	if err := observe.Mail(deaf{}, watched).Send(t.Context(), mail.Message{}); err == nil {
		t.Error("no error")
	}
	if diff := cmp.Diff(map[string]string{`unavailable_total{server="mail"}`: "1"}, samples(t, watched, "unavailable")); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}
