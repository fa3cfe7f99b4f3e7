package relay_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/queue"
	"github.com/unreel/unreel/internal/service/relay"
	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/internal/store/ledger"
	"github.com/unreel/unreel/internal/store/ledger/sqlledger"
	"github.com/unreel/unreel/internal/telemetry/logtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	owner    = "65f0c0ffee65f0c0ffee0001"
	patience = time.Minute
)

var errAway = errors.New("the broker is away")

// broker is a queue that keeps every hint.
type broker struct {
	queue.Queue // nil: nothing else may be called

	mutex sync.Mutex
	away  bool
	hints []hint
	tried chan struct{}
}

type hint struct {
	Topic   queue.Topic
	Message queue.Message
}

func (b *broker) Publish(_ context.Context, topic queue.Topic, message queue.Message) error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	select {
	case b.tried <- struct{}{}:
	default:
	}
	if b.away {
		return errAway
	}
	b.hints = append(b.hints, hint{topic, message})
	return nil
}

func (b *broker) set(away bool) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.away = away
}

func (b *broker) got() []hint {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return append([]hint(nil), b.hints...)
}

type world struct {
	*testing.T
	db     *database.DB
	ledger *ledger.Ledger
	broker *broker
	relay  *relay.Relay
	log    *logtest.Buffer
}

// logged is how often something was logged.
func (w *world) logged(text string) int { return strings.Count(w.log.String(), text) }

func newWorld(t *testing.T) *world {
	db, err := database.Open("sqlite:" + filepath.Join(t.TempDir(), "unreel.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	records := sqlledger.New(db)
	if err := records.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, db: db, ledger: ledger.New(records, ledger.DefaultConfig()), broker: &broker{tried: make(chan struct{}, 1)}, log: &logtest.Buffer{}}
	w.relay = relay.New(w.ledger, w.broker, slog.New(slog.NewTextHandler(w.log, nil)))
	return w
}

// run runs the relay until the test ends.
func (w *world) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	run := w.relay.Run
	go func() { done <- run(ctx) }()
	w.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.Errorf("run: %v", err)
		}
	})
}

func (w *world) queued() conversion.ID {
	w.Helper()
	id := conversion.NewID(time.Now())
	_, err := w.ledger.Receive(w.Context(), ledger.Upload{ID: id, Owner: owner, Username: "ada@example.com", Options: conversion.Options{Mono: true}})
	if err == nil {
		_, err = w.ledger.Accept(w.Context(), id, 5, "")
	}
	if err != nil {
		w.Fatal(err)
	}
	return id
}

func (w *world) eventually(what string, is func() bool) {
	w.Helper()
	for deadline := time.Now().Add(patience); !is(); {
		if time.Now().After(deadline) {
			w.Fatalf("waited for %s; hints: %+v", what, w.broker.got())
		}
		select {
		case <-w.broker.tried:
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// TestHints wants the messages of the contract, with the words of the first version in them.
func TestHints(t *testing.T) {
	w := newWorld(t)
	waiting, done, broken := w.queued(), w.queued(), w.queued()
	for _, id := range []conversion.ID{done, broken} {
		claim, err := w.ledger.Claim(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if id == done {
			_, err = w.ledger.Complete(t.Context(), id, claim.Fence, conversion.Video{}, conversion.MP3{})
		} else {
			_, err = w.ledger.Fail(t.Context(), id, claim.Fence, *conversion.Fail(conversion.NoAudioStream, "silent"))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	w.run()
	w.eventually("three hints", func() bool { return len(w.broker.got()) == 3 })
	got := map[conversion.ID]hint{}
	for _, h := range w.broker.got() {
		got[h.Message.VideoID] = h
	}
	want := map[conversion.ID]hint{
		waiting: {queue.Video, queue.Message{VideoID: waiting, ID: waiting, Username: "ada@example.com", Options: &conversion.Options{Mono: true}, Attempt: 1}},
		done:    {queue.MP3, queue.Message{VideoID: done, MP3ID: &done, ID: done, Username: "ada@example.com", Status: conversion.Completed, Attempt: 1}},
		broken: {queue.MP3, queue.Message{
			VideoID: broken, ID: broken, Username: "ada@example.com", Status: conversion.Failed, Attempt: 1,
			Error: &queue.Error{Type: "/problems/no-audio-stream", Title: conversion.NoAudioStream.Title(), Detail: "silent"},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestMoreThanABatch hints at everything in one round, and at nothing twice, with two relays at work.
func TestMoreThanABatch(t *testing.T) {
	w := newWorld(t)
	for range 205 {
		w.queued()
	}
	w.run()
	w.relay = relay.New(w.ledger, w.broker, slog.New(slog.DiscardHandler))
	w.run()
	w.eventually("205 hints", func() bool { return len(w.broker.got()) >= 205 })
	seen := map[conversion.ID]bool{}
	for _, h := range w.broker.got() {
		if seen[h.Message.ID] {
			t.Errorf("%s was hinted at twice", h.Message.ID)
		}
		seen[h.Message.ID] = true
	}
}

// TestBrokerAway loses hints and no records: each is due again, later, and hinted at once.
func TestBrokerAway(t *testing.T) {
	w := newWorld(t)
	w.broker.set(true)
	const all = 3
	for range all {
		w.queued()
	}
	w.run()
	w.eventually("a hint that does not get through", func() bool { return w.logged("hints stopped") == 1 })
	w.broker.set(false)
	w.eventually("the news that it goes on", func() bool { w.relay.Poke(); return w.logged("hints go out again") == 1 })
	if got := w.broker.got(); len(got) != 0 {
		t.Errorf("hinted within the interval: %+v", got)
	}
	w.db.Advance(31 * time.Second)
	w.relay.Poke()
	w.eventually("all hints", func() bool { return len(w.broker.got()) == all })
	if n := w.logged("hints stopped"); n != 1 {
		t.Errorf("said %d times that hints stopped", n)
	}
}

// TestPoke never blocks, whether the relay runs or not.
func TestPoke(t *testing.T) {
	w := newWorld(t)
	for range 10 {
		w.relay.Poke()
	}
	w.run()
	w.queued()
	w.relay.Poke()
	w.eventually("a hint", func() bool { return len(w.broker.got()) == 1 })
}
