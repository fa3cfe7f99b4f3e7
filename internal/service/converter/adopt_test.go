package converter_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/internal/queue"
	"github.com/unreel/unreel/internal/store"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/ledger"
)

// overheard is a queue that tells what a handler says of each hint.
type overheard struct {
	queue.Queue

	outcomes chan error
}

func (o *overheard) Consume(ctx context.Context, topic queue.Topic, slots int, handler queue.Handler) error {
	return o.Queue.Consume(ctx, topic, slots, func(ctx context.Context, message queue.Message) error {
		err := handler(ctx, message)
		o.outcomes <- err
		return err
	})
}

// send hands the converter a message and returns what it says of it.
func (w *world) send(message queue.Message) error {
	w.Helper()
	w.must(w.queue.Publish(w.Context(), queue.Video, message))
	return w.outcome()
}

func (w *world) outcome() error {
	w.Helper()
	select {
	case err := <-w.hints.outcomes:
		return err
	case <-time.After(patience):
		w.Fatal("the message is not settled")
		return nil
	}
}

// wantRejected wants an error that sets the message aside, and says why.
func wantRejected(t *testing.T, err error, why string) {
	t.Helper()
	if !errors.Is(err, queue.ErrReject) || !strings.Contains(err.Error(), why) {
		t.Errorf("got %v, want a rejection because of %q", err, why)
	}
}

// stored is a video that another program has put into the store, without a record.
func (w *world) stored() conversion.ID {
	w.Helper()
	id := conversion.NewID(time.Now())
	w.put(blob.Video, id, mediatest.Bytes(w.T, second))
	return id
}

func TestAdopt(t *testing.T) {
	w := newWorld(t)
	w.start()
	id := w.stored()
	message := queue.Message{VideoID: conversion.ID(strings.ToUpper(string(id))), Username: " Ada@Example.com"}
	w.must(w.send(message))
	record := w.record(id)
	if record.Status != conversion.Completed || record.Username != "ada@example.com" || record.Owner != "" || record.Attempts != 1 ||
		record.Video.Name != string(id) || record.Video.Size == 0 || record.Mail.Status != ledger.MailPending || !w.has(blob.MP3, id) {
		t.Errorf("got %+v", record)
	}
	w.must(w.send(message)) // delivered twice
	if again := w.record(id); again.Fence != record.Fence {
		t.Errorf("converted again: %+v", again)
	}
}

// TestNotAdopted wants a message that cannot be served to be set aside with a reason, and the next one served.
func TestNotAdopted(t *testing.T) {
	w := newWorld(t)
	w.start()
	known, unknown := w.stored(), conversion.NewID(time.Now())
	for name, test := range map[string]struct {
		message queue.Message
		why     string
	}{
		"no video":     {queue.Message{VideoID: unknown, Username: "ada@example.com"}, "no video has the id " + string(unknown)},
		"no address":   {queue.Message{VideoID: known, Username: "ada"}, "username: must be an e-mail address"},
		"no username":  {queue.Message{VideoID: known}, "username: must be an e-mail address"},
		"two of them":  {queue.Message{VideoID: known, Username: "ada@example.com, eve@example.com"}, "username"},
		"no ObjectId":  {queue.Message{VideoID: "../../etc/passwd", Username: "ada@example.com"}, "video_fid: an id is 24"},
		"no id at all": {queue.Message{Username: "ada@example.com"}, "video_fid: an id is 24"},
		"one of ours":  {queue.Message{VideoID: known, ID: known, Username: "ada@example.com"}, "no conversion has the id"},
	} {
		t.Run(name, func(t *testing.T) {
			wantRejected(t, w.send(test.message), test.why)
		})
	}
	if _, err := w.ledger.Peek(t.Context(), known); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("a record was made: %v", err)
	}
	w.must(w.send(queue.Message{VideoID: known, Username: "ada@example.com"}))
}

// away is a store that cannot be reached for as many questions.
type away struct {
	blob.Store

	questions atomic.Int32
	asked     chan struct{}
}

func (a *away) Open(ctx context.Context, kind blob.Kind, id conversion.ID) (blob.Reader, error) {
	if a.questions.Add(-1) >= 0 {
		a.asked <- struct{}{}
		return nil, store.ErrUnavailable
	}
	return a.Store.Open(ctx, kind, id)
}

// TestAdoptLater waits for a store that is away, since nobody would send the message again.
func TestAdoptLater(t *testing.T) {
	w := newWorld(t)
	blobs := &away{Store: w.disk, asked: make(chan struct{}, 100)}
	blobs.questions.Store(1)
	w.blobs = blobs
	w.start()
	id := w.stored()
	w.must(w.send(queue.Message{VideoID: id, Username: "ada@example.com"}))
	if record := w.record(id); record.Status != conversion.Completed {
		t.Errorf("got %+v", record)
	}
}

// TestAdoptNever stops the converter while the store is away: the message must not be lost.
func TestAdoptNever(t *testing.T) {
	w := newWorld(t)
	w.grace = 0
	blobs := &away{Store: w.disk, asked: make(chan struct{}, 100)}
	blobs.questions.Store(1 << 30)
	w.blobs = blobs
	w.start()
	w.must(w.queue.Publish(t.Context(), queue.Video, queue.Message{VideoID: w.stored(), Username: "ada@example.com"}))
	<-blobs.asked
	w.stop()
	wantRejected(t, w.outcome(), store.ErrUnavailable.Error())
}
