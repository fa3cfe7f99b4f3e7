package ledgertest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/ledger"
)

// testSurvey counts conversions in every state. Between a change and the look at it the clock moves a little, so
// ages are taken to the second.
func testSurvey(t *testing.T, f *fixture) {
	survey := func() ledger.Survey {
		t.Helper()
		got, err := f.Survey(t.Context())
		f.must(err)
		got.OldestDue, got.OldestMail = got.OldestDue.Truncate(time.Second), got.OldestMail.Truncate(time.Second)
		return got
	}
	expect := func(when string, want ledger.Survey) {
		t.Helper()
		if diff := cmp.Diff(want, survey()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}
	expect("nothing", ledger.Survey{Conversions: map[conversion.Status]int{}})

	done := f.completed()
	f.Advance(10 * time.Minute)
	f.queued()
	f.Advance(2 * time.Minute)
	later := f.claimed()
	_, err := f.Reschedule(t.Context(), later.ID, later.Fence, errors.New("passing"))
	f.must(err)
	f.receive(upload(ada))
	expect("one of each", ledger.Survey{
		Conversions:  map[conversion.Status]int{conversion.Completed: 1, conversion.Queued: 2, conversion.Receiving: 1},
		Due:          1, // the other waits for its next attempt
		OldestDue:    2 * time.Minute,
		MailsWaiting: 1,
		OldestMail:   12 * time.Minute,
	})

	mail, err := f.ClaimMail(t.Context(), done.ID)
	f.must(err)
	if got := survey(); got.MailsWaiting != 1 {
		t.Errorf("%d mails wait while one is being sent, want it", got.MailsWaiting)
	}
	f.must(f.MailDelivered(t.Context(), done.ID, mail.Mail.Fence))
	if got := survey(); got.MailsWaiting != 0 || got.OldestMail != 0 {
		t.Errorf("%d mails wait, the oldest for %v, after it was sent", got.MailsWaiting, got.OldestMail)
	}
	f.Advance(time.Minute)
	if got := survey(); got.Due != 2 || got.OldestDue != 3*time.Minute {
		t.Errorf("%d due, the oldest for %v; want both", got.Due, got.OldestDue)
	}
}

// testTrace keeps a trace from the first to the last change.
func testTrace(t *testing.T, f *fixture) {
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	id := conversion.NewID(time.Now())
	_, err := f.Store.Insert(t.Context(), func(now time.Time) ledger.Record {
		return ledger.Record{
			Conversion: conversion.Conversion{ID: id, Owner: ada, Status: conversion.Receiving, CreatedAt: now},
			Mail:       ledger.Mail{Status: ledger.MailNone},
			Trace:      trace,
		}
	})
	f.must(err)
	_, err = f.Accept(t.Context(), id, 1, digest)
	f.must(err)
	if woken := f.due(); len(woken) != 1 || woken[0].Trace != trace {
		t.Errorf("due: %+v, want one with its trace", woken)
	}
	if got := f.claim(id).Trace; got != trace {
		t.Errorf("trace %q after a claim", got)
	}
}
