package gateway

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/ledger"
)

var content = bytes.Repeat([]byte("video"), 100_000)

func TestUpload(t *testing.T) {
	w := newWorld(t)
	response, body := w.upload(content)
	var got api.Conversion
	w.must(json.Unmarshal(body, &got))
	digest := sha256.Sum256(content)
	if response.StatusCode != http.StatusAccepted || got.Status != conversion.Queued || got.Video.Size != int64(len(content)) ||
		got.Video.SHA256 != hex.EncodeToString(digest[:]) || got.QueuePosition != 1 || response.Header.Get("Location") != "/v1/conversions/"+got.ID {
		t.Errorf("got %d %s", response.StatusCode, body)
	}
	if ids := w.videos(); len(ids) != 1 || string(ids[0]) != got.ID {
		t.Errorf("stored: %v", ids)
	}
}

// TestUploadFaults wants an answer that says whose turn it is, never a 202, and nothing left behind.
func TestUploadFaults(t *testing.T) {
	for name, test := range map[string]struct {
		spoil  func(w *world)
		size   int
		status int
		slug   string
		left   conversion.Status
		kept   bool // a committed video that only the collector can remove
	}{
		"no room at first":    {func(w *world) { w.faults.create = blob.ErrFull }, 1000, 507, "full", conversion.Deleted, false},
		"no room on the way":  {func(w *world) { w.faults.write = blob.ErrFull }, 1000, 507, "full", conversion.Deleted, false},
		"no room at the end":  {func(w *world) { w.faults.commit = blob.ErrFull }, 1000, 507, "full", conversion.Deleted, false},
		"a fault of ours":     {func(w *world) { w.faults.commit = errors.New("secret") }, 1000, 500, "internal", conversion.Deleted, false},
		"too large":           {func(*world) {}, 1<<20 + 1, 413, "too-large", conversion.Deleted, false},
		"ledger away at last": {func(w *world) { w.faults.committing = func() { w.records.set(true) } }, 1000, 503, "unavailable", conversion.Receiving, true},
		"given up meanwhile": {func(w *world) {
			w.faults.committing = func() { w.must(w.ledger.Abandon(w.Context(), w.faults.last)) }
		}, 1000, 408, "upload-stalled", conversion.Deleted, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			test.spoil(w)
			response, body := w.upload(bytes.Repeat([]byte("x"), test.size))
			w.wantProblem(response, body, test.status, test.slug)
			if strings.Contains(string(body), "secret") {
				t.Errorf("told what is nobody's business: %s", body)
			}
			if (test.status == 503 || test.status == 507) != (response.Header.Get("Retry-After") != "") {
				t.Errorf("Retry-After: %q", response.Header.Get("Retry-After"))
			}
			record, err := w.ledger.Peek(t.Context(), w.faults.last)
			if err != nil || record.Status != test.left || record.WakeDue.IsZero() == (test.left == conversion.Receiving) {
				t.Errorf("left: %+v, %v", record, err)
			}
			if stored := w.videos(); (len(stored) == 1) != test.kept {
				t.Errorf("stored: %v", stored)
			}
		})
	}
}

func TestUploadWithoutALedger(t *testing.T) {
	w := newWorld(t)
	w.records.set(true)
	response, body := w.upload(content)
	w.wantProblem(response, body, 503, "unavailable")
	if stored := w.videos(); len(stored) != 0 {
		t.Errorf("stored: %v", stored)
	}
}

// TestUploadSurvivesAnOutage keeps an upload going while the ledger is away for less than its lease.
func TestUploadSurvivesAnOutage(t *testing.T) {
	w := newWorld(t)
	in, _, err := w.begin(t.Context(), ledger.Upload{ID: conversion.NewID(time.Now()), Owner: w.ada.UserID})
	w.must(err)
	defer in.abandon(t.Context())
	lease := w.ledger.Config().ReceiveLease
	for _, step := range []struct {
		since time.Duration
		away  bool
		fails bool
	}{{lease / 2, true, false}, {lease / 2, false, false}, {lease * 3 / 4, true, true}} {
		w.records.set(step.away)
		in.kept, in.asked = time.Now().Add(-step.since), time.Time{}
		if err := in.write(t.Context(), []byte("x")); (err != nil) != step.fails {
			t.Errorf("%+v: %v", step, err)
		}
		if !step.away && time.Since(in.kept) > lease/4 {
			t.Errorf("%+v: not kept", step)
		}
	}
	w.records.set(false)
	w.must(w.ledger.Abandon(t.Context(), in.id))
	in.kept, in.asked = time.Now().Add(-lease/2), time.Time{}
	if err := in.write(t.Context(), []byte("x")); !errors.Is(err, ledger.ErrStale) {
		t.Errorf("wrote on although given up: %v", err)
	}
}

// TestClientGoes cuts the connection within the file.
func TestClientGoes(t *testing.T) {
	w := newWorld(t)
	body, kind := videoForm(content)
	conn, err := net.Dial("tcp", w.server.Listener.Addr().String())
	w.must(err)
	_, err = io.WriteString(conn, "POST /v1/conversions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+w.token+
		"\r\nContent-Type: "+kind+"\r\nContent-Length: 999999\r\n\r\n"+body.String()[:300_000])
	w.must(err)
	w.eventually("the file to come in", func() bool { return len(w.videos()) == 1 })
	id := w.videos()[0]
	w.must(conn.Close())
	w.eventually("the file to go", func() bool { return len(w.videos()) == 0 })
	w.eventually("the record to go", func() bool {
		record, err := w.ledger.Peek(t.Context(), id)
		return err == nil && record.Status == conversion.Deleted
	})
}

func (w *world) eventually(what string, is func() bool) {
	w.Helper()
	for end := time.Now().Add(deadline); !is(); {
		if time.Now().After(end) {
			w.Fatal("waited for " + what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// occupy takes places for uploads, and returns what gives them back.
func (w *world) occupy(owner string, count int) (leave func()) {
	w.Helper()
	var all []func()
	for range count {
		one, err := w.places.take(owner)
		w.must(err)
		all = append(all, one)
	}
	return func() {
		for _, one := range all {
			one()
		}
	}
}

func TestUploadsAtOnce(t *testing.T) {
	w := newWorld(t)
	others := w.occupy("somebody else", 7)
	own := w.occupy(w.ada.UserID, 1)
	response, body := w.upload(content)
	w.wantProblem(response, body, 503, "busy")
	if response.Header.Get("Retry-After") == "" {
		t.Error("does not say when to come again")
	}
	others()
	rest := w.occupy(w.ada.UserID, 6)
	response, body = w.upload(content)
	w.wantProblem(response, body, 429, "too-many-uploads")
	if policy := response.Header.Get("RateLimit-Policy"); !strings.Contains(policy, "q=7") || response.Header.Get("Retry-After") == "" {
		t.Errorf("says %q", policy)
	}
	own()
	rest()
	for range 9 { // places are given back
		if response, body := w.upload(content); response.StatusCode != http.StatusAccepted {
			t.Errorf("got %d %s", response.StatusCode, body)
		}
	}
}

func TestIdempotencyKey(t *testing.T) {
	w := newWorld(t)
	_, first := w.upload(content, "Idempotency-Key", "one")
	if _, again := w.upload(content, "Idempotency-Key", "one"); !bytes.Equal(first, again) {
		t.Errorf("got %s and %s", first, again)
	}
	response, body := w.upload(content[1:], "Idempotency-Key", "one")
	w.wantProblem(response, body, 422, "invalid")
	response, body = w.upload(make([]byte, 1<<20+1), "Idempotency-Key", "one")
	w.wantProblem(response, body, 413, "too-large")
	_, err := w.ledger.Receive(t.Context(), ledger.Upload{ID: conversion.NewID(time.Now()), Owner: w.ada.UserID, IdempotencyKey: "two"})
	w.must(err)
	response, body = w.upload(content, "Idempotency-Key", "two")
	w.wantProblem(response, body, 409, "in-progress")
	if stored := w.videos(); len(stored) != 1 {
		t.Errorf("stored: %v", stored)
	}
}
