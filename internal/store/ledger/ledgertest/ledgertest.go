// Package ledgertest is the suite that every backend of the ledger passes: the whole state machine, on the
// real database, with its own clock.
package ledgertest

import (
	"context"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/ledger"
)

// Backend is a store to test.
type Backend struct {
	Store ledger.Store
	// Advance puts the store's clock ahead.
	Advance func(time.Duration)
	// Look returns those of some conversions that there are, and the store's clock if there are any, in one query: what
	// RunModel does after each step of many thousands.
	Look func(context.Context, []conversion.ID) ([]ledger.Record, time.Time, error)
}

// Run runs the suite; open returns an empty store for each test.
func Run(t *testing.T, open func(t *testing.T) Backend) {
	for name, test := range map[string]func(*testing.T, *fixture){
		"a conversion from upload to mail":          testHappyPath,
		"a record keeps all it was given":           testRoundTrip,
		"uploads":                                   testUploads,
		"an upload that stalls is buried":           testStalledUpload,
		"a video that comes in pieces":              testPieces,
		"one piece at a time":                       testPieceClaims,
		"concurrent pieces have one winner":         testPieceRace,
		"an upload in pieces expires":               testUploadExpires,
		"an upload is terminated":                   testTerminate,
		"pieces and wholes are apart":               testPiecesApart,
		"a crash of the sole owner loses no pieces": testPiecesRecover,
		"another program's video is adopted once":   testAdopt,
		"idempotency keys":                          testIdempotency,
		"one claim at a time":                       testOneClaim,
		"concurrent claims have one winner":         testClaimRace,
		"a lease that runs out is taken over":       testTakeover,
		"a renewed lease holds":                     testRenew,
		"passing errors back off and end":           testReschedule,
		"nothing fails because a store is away":     testPostpone,
		"crashes count as attempts":                 testCrashes,
		"a released claim does not count":           testRelease,
		"lasting errors":                            testFail,
		"due records are hinted once an interval":   testWakeInterval,
		"concurrent relays do not share records":    testRelayRace,
		"recovery after a crash of the sole owner":  testRecover,
		"mail is retried freely before it is taken": testMailRetry,
		"mail in doubt is tried once more":          testMailInDoubt,
		"a mail whose notifier died":                testMailCrash,
		"mail that is refused, released, given up":  testMailEnds,
		"owners see only their own":                 testOwners,
		"lists and cursors":                         testList,
		"the places in the queue":                   testPlaces,
		"what operators see and retry":              testOperator,
		"cancel and retry":                          testCancelRetry,
		"delete fences out and dooms the files":     testDelete,
		"a tombstone that was nearly forgotten":     testNearlyForgotten,
		"more that is doomed than fits on a page":   testDoomedInPages,
		"an account that ends":                      testClose,
		"what comes in while an account ends":       testClearClosed,
		"what an owner has":                         testUsage,
		"webhooks":                                  testWebhooks,
		"calls of webhooks":                         testDeliveries,
		"calls of some webhooks":                    testDeliveriesOfOthers,
		"calls about two ends in one second":        testDeliveriesOfOneSecond,
		"a call that is given up":                   testDeliveryGivenUp,
		"a webhook that is given up":                testDisabledWebhook,
		"retention":                                 testRetention,
		"known ids":                                 testKnown,
		"how the whole ledger stands":               testSurvey,
		"where it was asked for":                    testTrace,
		"secrets are made once":                     testSecret,
		"a dead context":                            testDeadContext,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			backend := open(t)
			test(t, &fixture{T: t, Backend: backend, Ledger: ledger.New(backend.Store, ledger.DefaultConfig())})
		})
	}
}

// fixture is a ledger with short ways to bring a conversion into a state.
type fixture struct {
	*testing.T
	Backend
	*ledger.Ledger
}

const (
	ada     = "65f0c0ffee65f0c0ffee0001"
	brendan = "65f0c0ffee65f0c0ffee0002"
	digest  = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
)

func upload(owner string) ledger.Upload {
	return ledger.Upload{
		ID: conversion.NewID(time.Now()), Owner: owner, Username: owner + "@example.com", Name: "talk.mp4",
	}
}

func (f *fixture) receive(u ledger.Upload) conversion.ID {
	f.Helper()
	_, err := f.Receive(f.Context(), u)
	f.must(err)
	return u.ID
}

func (f *fixture) queued() conversion.ID {
	f.Helper()
	id := f.receive(upload(ada))
	_, err := f.Accept(f.Context(), id, 1000, digest)
	f.must(err)
	return id
}

func (f *fixture) claimed() ledger.Record {
	f.Helper()
	return f.claim(f.queued())
}

func (f *fixture) claim(id conversion.ID) ledger.Record {
	f.Helper()
	record, err := f.Claim(f.Context(), id)
	f.must(err)
	return record
}

var (
	video = conversion.Video{Duration: 90 * time.Second, Codec: "aac"}
	mp3   = conversion.MP3{
		Size: 1440000, SHA256: digest, Duration: 90 * time.Second,
		Bitrate: 128000, SampleRate: 48000, Channels: 2, Warnings: []string{"cut short"},
	}
)

func (f *fixture) completed() ledger.Record {
	f.Helper()
	claim := f.claimed()
	record, err := f.Complete(f.Context(), claim.ID, claim.Fence, video, mp3)
	f.must(err)
	return record
}

func (f *fixture) peek(id conversion.ID) ledger.Record {
	f.Helper()
	record, err := f.Peek(f.Context(), id)
	f.must(err)
	return record
}

func (f *fixture) due() []ledger.Woken {
	f.Helper()
	woken, err := f.ClaimDue(f.Context(), 100)
	f.must(err)
	return woken
}

// expectDue claims what is due and wants exactly one record with this wake.
func (f *fixture) expectDue(id conversion.ID, want ledger.Wake) {
	f.Helper()
	woken := f.due()
	if len(woken) != 1 || woken[0].ID != id || woken[0].Wake != want {
		f.Fatalf("due: %+v, want only %s with wake %d", woken, id, want)
	}
}

func (f *fixture) expectNothingDue() {
	f.Helper()
	if woken := f.due(); len(woken) != 0 {
		f.Fatalf("due: %+v, want nothing", woken)
	}
}

func (f *fixture) expectStatus(id conversion.ID, want conversion.Status) {
	f.Helper()
	if got := f.peek(id).Status; got != want {
		f.Fatalf("status %s, want %s", got, want)
	}
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
