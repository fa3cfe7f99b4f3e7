package notifier_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/link"
	mailfile "github.com/unreel/unreel/internal/mail/file"
	"github.com/unreel/unreel/internal/queue"
	"github.com/unreel/unreel/internal/queue/local"
	"github.com/unreel/unreel/internal/service/notifier"
	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/internal/store/ledger"
	"github.com/unreel/unreel/internal/store/ledger/sqlledger"
	"github.com/unreel/unreel/internal/telemetry/logtest"
	"github.com/unreel/unreel/internal/webhook"
	"github.com/unreel/unreel/test/harness"
)

const owner = "65f0c0ffee65f0c0ffee0001"

// world is a notifier on a real ledger, with a receiver of webhooks.
type world struct {
	*testing.T
	db     *database.DB
	ledger *ledger.Ledger
	queue  queue.Queue
	log    *logtest.Buffer

	mutex   sync.Mutex
	answers []int  // what the receiver answers, the last again and again
	refuse  string // the id of a conversion about which it takes no call
	calls   []call
}

type call struct {
	id   string
	body []byte
}

func newWorld(t *testing.T, answers ...int) *world {
	t.Helper()
	w := &world{T: t, answers: answers, log: &logtest.Buffer{}}
	var err error
	w.db, err = database.Open("sqlite:" + filepath.Join(t.TempDir(), "unreel.db"))
	w.must(err)
	t.Cleanup(func() { w.must(w.db.Close()) })
	store := sqlledger.New(w.db)
	w.must(store.Migrate(t.Context()))
	w.ledger = ledger.New(store, ledger.DefaultConfig())
	logger := slog.New(slog.NewJSONHandler(w.log, nil))
	w.queue = local.New(logger)
	sender, err := mailfile.New(mailfile.Config{Dir: t.TempDir(), From: "unreel@localhost"})
	w.must(err)
	secret := webhook.NewSecret()
	receiver := httptest.NewServer(w.receive(secret))
	t.Cleanup(receiver.Close)
	w.addWebhook(owner, receiver.URL, secret)
	hooks := notifier.NewWebhooks(w.ledger, webhook.NewCaller(webhook.Any), logger)
	service := notifier.New(notifier.Config{Slots: 2, PublicURL: "http://localhost"}, w.ledger, w.queue, sender,
		link.NewSigner("http://localhost", w.ledger), hooks, logger)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	for _, run := range []func(context.Context) error{hooks.Run, service.Run} {
		go func() { ended <- run(ctx) }()
	}
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, <-ended); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) addWebhook(owner, url string, secret []byte) {
	w.Helper()
	w.must(w.ledger.Webhooks().AddWebhook(w.Context(), ledger.Webhook{
		ID: string(conversion.NewID(time.Now())), Owner: owner, URL: url, Secret: secret, Events: ledger.WebhookEvents, CreatedAt: time.Now(),
	}))
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// receive checks signatures as receivers do.
func (w *world) receive(secret []byte) http.HandlerFunc {
	verifier, err := standardwebhooks.NewWebhook(webhook.FormatSecret(secret))
	w.must(err)
	return func(answer http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err := errors.Join(err, verifier.Verify(body, r.Header)); err != nil {
			w.Error(err)
		}
		w.mutex.Lock()
		defer w.mutex.Unlock()
		status := w.answers[min(len(w.calls), len(w.answers)-1)]
		if w.refuse != "" && strings.HasPrefix(r.Header.Get("webhook-id"), w.refuse) {
			status = http.StatusBadRequest
		}
		w.calls = append(w.calls, call{r.Header.Get("webhook-id"), body})
		answer.WriteHeader(status)
	}
}

// called waits until there were so many calls.
func (w *world) called(count int) []call {
	w.Helper()
	var calls []call
	harness.Eventually(w.T, "the calls", func() error {
		w.mutex.Lock()
		defer w.mutex.Unlock()
		if len(w.calls) < count {
			return errors.New("too few")
		}
		calls = append(calls[:0:0], w.calls...)
		return nil
	})
	return calls
}

// ended brings a conversion to its end, and gives so many hints about it.
func (w *world) ended(hints int, failure *conversion.Failure) ledger.Record {
	w.Helper()
	return w.endedOf(owner, hints, failure)
}

func (w *world) endedOf(owner string, hints int, failure *conversion.Failure) ledger.Record {
	w.Helper()
	ctx := w.Context()
	id := conversion.NewID(time.Now())
	_, err := w.ledger.Receive(ctx, ledger.Upload{ID: id, Owner: owner, Username: "ada@example.com", Name: "talk.mp4"})
	w.must(err)
	_, err = w.ledger.Accept(ctx, id, 1000, "")
	w.must(err)
	claim, err := w.ledger.Claim(ctx, id)
	w.must(err)
	var record ledger.Record
	if failure != nil {
		record, err = w.ledger.Fail(ctx, id, claim.Fence, *failure)
	} else {
		record, err = w.ledger.Complete(ctx, id, claim.Fence, conversion.Video{Duration: time.Minute}, conversion.MP3{Size: 960000, Duration: time.Minute})
	}
	w.must(err)
	for range hints {
		w.hint(record)
	}
	return record
}

// hint wakes the notifier, and with it those calls that are due.
func (w *world) hint(record ledger.Record) {
	w.Helper()
	w.must(w.queue.Publish(w.Context(), queue.MP3, queue.Message{VideoID: record.ID, ID: record.ID}))
}

func (w *world) wantCall(got call, event string, record ledger.Record) {
	w.Helper()
	var body struct {
		Type      string
		Timestamp time.Time
		Data      api.Conversion
	}
	if err := json.Unmarshal(got.body, &body); err != nil || body.Type != event || body.Data.ID != string(record.ID) ||
		body.Data.Status != record.Status || !body.Timestamp.Equal(record.FinishedAt) {
		w.Errorf("got %s, %v", got.body, err)
	}
}

// wantLine wants what was logged of a call to name the conversion as every other line does.
func (w *world) wantLine(message string, record ledger.Record) {
	w.Helper()
	harness.Eventually(w.T, "the line "+message, func() error {
		for line := range strings.Lines(w.log.String()) {
			if strings.Contains(line, message) && strings.Contains(line, `"conversion":"`+string(record.ID)+`"`) {
				return nil
			}
		}
		return errors.New("it is not there")
	})
}

// TestWebhooks has hints come twice, and one call each be made.
func TestWebhooks(t *testing.T) {
	w := newWorld(t, http.StatusNoContent)
	done := w.ended(2, nil)
	w.wantCall(w.called(1)[0], "conversion.completed", done)
	failed := w.ended(2, conversion.Fail(conversion.NoAudioStream, "it is silent"))
	calls := w.called(2)
	w.wantCall(calls[1], "conversion.failed", failed)
	if calls[0].id == calls[1].id || len(calls) != 2 {
		t.Errorf("calls %v", calls)
	}
}

// TestSlowAddresses has an owner whose address never answers leave room for the others.
func TestSlowAddresses(t *testing.T) {
	w := newWorld(t, http.StatusOK)
	const slow = "65f0c0ffee65f0c0ffee0002"
	var calls atomic.Int32
	release := make(chan struct{})
	tarpit := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		calls.Add(1)
		<-release
	}))
	t.Cleanup(tarpit.Close)
	w.addWebhook(slow, tarpit.URL, webhook.NewSecret())
	const ends = 70 // more than there are slots
	for range ends {
		w.endedOf(slow, 1, nil)
	}
	harness.Eventually(t, "the first of the calls", func() error {
		if calls.Load() < 1 {
			return errors.New("none")
		}
		return nil
	})
	done := w.ended(1, nil)
	w.wantCall(w.called(1)[0], "conversion.completed", done)
	if got := calls.Load(); got > 4 {
		t.Errorf("%d calls of one owner at once, want at most 4", got)
	}
	close(release)
	harness.Eventually(t, "the rest of the calls", func() error {
		if got := calls.Load(); got < ends {
			return fmt.Errorf("%d calls", got)
		}
		return nil
	})
}

// TestWebhookIsTriedAgain has an address that is away at first.
func TestWebhookIsTriedAgain(t *testing.T) {
	w := newWorld(t, 500, 301, 200)
	done := w.ended(1, nil)
	w.called(1)
	w.settled(1)
	w.wantLine("webhook not called", done)
	w.db.Advance(6 * time.Second)
	w.hint(done)
	w.called(2)
	w.settled(1)
	w.db.Advance(6 * time.Minute)
	w.hint(done)
	calls := w.called(3)
	w.settled(0)
	w.wantLine("webhook called", done)
	if calls[0].id != calls[2].id || string(calls[0].body) != string(calls[2].body) {
		t.Errorf("calls %v", calls)
	}
}

// settled waits until so many calls are to be made later, and none is being made.
func (w *world) settled(left int) {
	w.Helper()
	harness.Eventually(w.T, "the call to be settled", func() error {
		var due, leased int
		err := w.db.QueryRow(w.Context(), "SELECT COUNT(*), COALESCE(SUM(due_at - "+w.db.Now()+" BETWEEN 50000000 AND 60000000), 0) FROM deliveries WHERE due_at IS NOT NULL", nil, &due, &leased)
		if err == nil && (due != left || leased > 0) {
			err = errors.New("not yet")
		}
		return err
	})
}

// TestCallIsGivenUp has an address take every call but one, which is no reason not to call it any more.
func TestCallIsGivenUp(t *testing.T) {
	w := newWorld(t, 500)
	refused := w.ended(1, nil)
	w.called(1)
	w.settled(1)
	w.mutex.Lock()
	w.refuse, w.answers = string(refused.ID), []int{200}
	w.mutex.Unlock()
	harness.Eventually(t, "the end of the call", func() error {
		w.db.Advance(25 * time.Hour)
		w.ended(1, nil)
		var due int
		err := w.db.QueryRow(t.Context(), "SELECT COUNT(*) FROM deliveries WHERE due_at IS NOT NULL AND id LIKE ?", []any{string(refused.ID) + "%"}, &due)
		if err == nil && due > 0 {
			err = errors.New("it is due")
		}
		return err
	})
	hooks, err := w.ledger.Webhooks().Webhooks(t.Context(), owner)
	w.must(err)
	if !hooks[0].DisabledAt.IsZero() {
		t.Error("the webhook is disabled")
	}
}

// TestWebhookIsGivenUp has addresses that want no calls.
func TestWebhookIsGivenUp(t *testing.T) {
	for name, answers := range map[string][]int{"gone": {410}, "never there": {500}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, answers...)
			done := w.ended(1, nil)
			harness.Eventually(t, "the end", func() error {
				if name != "gone" { // whose lease must not run out while it is called
					w.db.Advance(25 * time.Hour)
				}
				w.hint(done)
				hooks, err := w.ledger.Webhooks().Webhooks(t.Context(), owner)
				if err == nil && hooks[0].DisabledAt.IsZero() {
					err = errors.New("it is called")
				}
				return err
			})
			if count := len(w.called(1)); name == "gone" && count != 1 || name != "gone" && count < 10 {
				t.Errorf("%d calls", count)
			}
		})
	}
}
