package ledgertest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/ledger"
)

// RunModel runs random sequences of everything that can happen to a few conversions, in any order, by workers that
// may hold old claims, die between any two steps or be asleep for a month, and checks after each step what
// must always be true. At the end of each sequence the conversions are left to a relay, a converter and a
// notifier that work: all of them must come to their end. How many sequences: the flag -rapid.checks.
func RunModel(t *testing.T, backend Backend) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{backend: backend, Ledger: ledger.New(backend.Store, ledger.DefaultConfig()), seen: map[conversion.ID]*history{}}
		defer m.forget(t)
		m.prepare(t)
		t.Repeat(rapid.StateMachineActions(m))
		m.settle(t)
	})
}

// model is a system whose parts do whatever they like.
type model struct {
	*ledger.Ledger
	backend Backend

	ids    []conversion.ID
	seen   map[conversion.ID]*history
	claims []claim // handed out to converters, old ones too
	mails  []claim // handed out to notifiers, old ones too
	pieces []claim // handed out to gateways, old ones too
	// asked is what the current step may end or revive, because its owner asked for it; "" for nothing.
	asked conversion.ID
}

type claim struct {
	id    conversion.ID
	fence int64
}

var errPassing = errors.New("a passing error")

func background() context.Context { return context.Background() }

func (m *model) anyID(t *rapid.T) conversion.ID {
	if len(m.ids) == 0 {
		t.Skip("nothing received yet")
	}
	return rapid.SampledFrom(m.ids).Draw(t, "id")
}

func (m *model) anyClaim(t *rapid.T, of []claim) claim {
	if len(of) == 0 {
		t.Skip("no claims yet")
	}
	// The latest are the interesting ones.
	return of[len(of)-1-min(rapid.IntRange(0, 3).Draw(t, "claim"), len(of)-1)]
}

// expect wants no error but those that the step may answer.
func expect(t *rapid.T, err error, allowed ...error) {
	for _, may := range allowed {
		if errors.Is(err, may) {
			return
		}
	}
	if err != nil {
		t.Fatalf("unexpected: %v", err)
	}
}

// prepare brings conversions to states that few random steps lead to.
func (m *model) prepare(t *rapid.T) {
	for range rapid.IntRange(0, 2).Draw(t, "prepared") {
		id := upload(ada).ID
		_, err := m.Ledger.Receive(background(), ledger.Upload{ID: id, Owner: ada})
		expect(t, err)
		_, err = m.Ledger.Accept(background(), id, 1000, digest)
		expect(t, err)
		m.ids = append(m.ids, id)
		crashes := rapid.SampledFrom([]int{0, 3, 4}).Draw(t, "crashes")
		for range crashes {
			_, err := m.Ledger.Claim(background(), id)
			expect(t, err)
			m.backend.Advance(2 * ledger.DefaultConfig().Lease)
		}
		if crashes == 0 {
			record, err := m.Ledger.Claim(background(), id)
			expect(t, err)
			_, err = m.Complete(background(), id, record.Fence, video, mp3)
			expect(t, err)
		}
	}
}

func (m *model) Advance(t *rapid.T) {
	by := rapid.SampledFrom([]time.Duration{
		time.Second, 20 * time.Second, 61 * time.Second, 3 * time.Minute, 13 * time.Minute, 2 * time.Hour, 73 * time.Hour, 800 * time.Hour,
	}).Draw(t, "by")
	m.backend.Advance(by)
}

func (m *model) Receive(t *rapid.T) {
	if len(m.ids) == 4 {
		t.Skip("enough")
	}
	up := upload(ada)
	up.IdempotencyKey = rapid.SampledFrom([]string{"", string(up.ID), "shared"}).Draw(t, "key")
	record, err := m.Ledger.Receive(background(), up)
	expect(t, err, ledger.ErrKeyInUse)
	if err == nil {
		m.ids = append(m.ids, up.ID)
		return
	}
	if _, known := m.seen[record.ID]; !known || record.IdempotencyKey != up.IdempotencyKey || record.Status == conversion.Deleted {
		t.Fatalf("key %q is in use by %+v", up.IdempotencyKey, record)
	}
}

func (m *model) Adopt(t *rapid.T) {
	if len(m.ids) == 4 {
		t.Skip("enough")
	}
	up := upload(ada)
	for range rapid.IntRange(1, 2).Draw(t, "times") {
		record, err := m.Ledger.Adopt(background(), up, 1000)
		expect(t, err)
		if record.ID != up.ID || record.Status != conversion.Queued {
			t.Fatalf("adopted: %+v", record)
		}
	}
	m.ids = append(m.ids, up.ID)
}

func (m *model) KeepReceiving(t *rapid.T) {
	expect(t, m.Ledger.KeepReceiving(background(), m.anyID(t)), ledger.ErrStale, ledger.ErrNotFound)
}

func (m *model) Accept(t *rapid.T) {
	_, err := m.Ledger.Accept(background(), m.anyID(t), 1000, digest)
	expect(t, err, ledger.ErrStale, ledger.ErrNotFound)
}

func (m *model) Abandon(t *rapid.T) {
	expect(t, m.Ledger.Abandon(background(), m.anyID(t)), ledger.ErrStale, ledger.ErrNotFound)
}

func (m *model) ReceivePieces(t *rapid.T) {
	if len(m.ids) == 4 {
		t.Skip("enough")
	}
	record, err := m.Ledger.ReceivePieces(background(), upload(ada), length, metadata)
	expect(t, err)
	m.ids = append(m.ids, record.ID)
}

func (m *model) ClaimPiece(t *rapid.T) {
	id := m.anyID(t)
	offset := rapid.SampledFrom([]int64{0, 100, 200, length}).Draw(t, "offset")
	if history, known := m.seen[id]; known && rapid.Bool().Draw(t, "asks first") {
		offset = history.record.Pieces.Offset
	}
	record, err := m.Ledger.ClaimPiece(background(), ada, id, offset)
	expect(t, err, ledger.ErrHeld, ledger.ErrOffset, ledger.ErrNotFound)
	if err == nil {
		m.pieces = append(m.pieces, claim{record.ID, record.Fence})
	}
}

func (m *model) Piece(t *rapid.T) {
	c := m.anyClaim(t, m.pieces)
	at := arrived(m.seen[c.id].record.Pieces.Offset + rapid.SampledFrom([]int64{0, 100, 600}).Draw(t, "bytes"))
	full := at.Offset >= length
	var err error
	switch rapid.SampledFrom([]string{"keep", "save", "end", "accept"}).Draw(t, "outcome") {
	case "keep":
		full, err = false, m.KeepPiece(background(), c.id, c.fence)
	case "save":
		err = m.SavePiece(background(), c.id, c.fence, at)
	case "end":
		_, err = m.EndPiece(background(), c.id, c.fence, at)
	case "accept":
		full = false
		_, err = m.AcceptPieces(background(), c.id, c.fence, digest)
	}
	if full && errors.Is(err, ledger.ErrOffset) {
		return
	}
	m.wantFenced(t, err, c, func(r ledger.Record) bool { return r.Status == conversion.Receiving && r.Fence == c.fence })
}

// PieceCrash lets a gateway die with a piece in hand.
func (m *model) PieceCrash(t *rapid.T) {
	m.ClaimPiece(t)
	m.backend.Advance(ledger.DefaultConfig().PieceLease + time.Second)
}

func (m *model) Claim(t *rapid.T) {
	record, err := m.Ledger.Claim(background(), m.anyID(t))
	expect(t, err, ledger.ErrHeld, ledger.ErrNotFound)
	if err == nil {
		m.claims = append(m.claims, claim{record.ID, record.Fence})
	}
}

func (m *model) Work(t *rapid.T) {
	c := m.anyClaim(t, m.claims)
	var err error
	switch rapid.SampledFrom([]string{"renew", "complete", "fail", "reschedule", "postpone", "release"}).Draw(t, "outcome") {
	case "renew":
		err = m.Renew(background(), c.id, c.fence, 0.5)
	case "complete":
		_, err = m.Complete(background(), c.id, c.fence, video, mp3)
	case "fail":
		_, err = m.Fail(background(), c.id, c.fence, *conversion.Fail(conversion.CorruptMedia, "broken"))
	case "reschedule":
		_, err = m.Reschedule(background(), c.id, c.fence, errPassing)
	case "postpone":
		_, err = m.Postpone(background(), c.id, c.fence, errPassing)
	case "release":
		err = m.Release(background(), c.id, c.fence)
	}
	m.wantFenced(t, err, c, func(r ledger.Record) bool { return r.Status == conversion.Converting && r.Fence == c.fence })
}

func (m *model) ClaimMail(t *rapid.T) {
	record, err := m.Ledger.ClaimMail(background(), m.anyID(t))
	expect(t, err, ledger.ErrHeld, ledger.ErrNotFound)
	if err == nil {
		m.seen[record.ID].mailTaken(t)
		m.mails = append(m.mails, claim{record.ID, record.Mail.Fence})
	}
}

// MailCrash lets a notifier die within its try.
func (m *model) MailCrash(t *rapid.T) {
	m.ClaimMail(t)
	m.backend.Advance(ledger.DefaultConfig().MailLease + time.Second)
}

// ClaimCrash lets a converter die within its attempt.
func (m *model) ClaimCrash(t *rapid.T) {
	m.Claim(t)
	m.backend.Advance(ledger.DefaultConfig().Lease + time.Second)
}

func (m *model) Mail(t *rapid.T) {
	c := m.anyClaim(t, m.mails)
	history := m.seen[c.id]
	var err error
	maybe := 0
	switch rapid.SampledFrom([]string{"delivered", "rejected", "failed", "uncertain", "released"}).Draw(t, "outcome") {
	case "delivered":
		maybe, err = 1, m.MailDelivered(background(), c.id, c.fence)
	case "rejected":
		err = m.MailRejected(background(), c.id, c.fence, errPassing)
	case "failed":
		err = m.MailFailed(background(), c.id, c.fence, errPassing)
	case "uncertain":
		maybe, err = 1, m.MailUncertain(background(), c.id, c.fence, errPassing)
	case "released":
		err = m.ReleaseMail(background(), c.id, c.fence)
	}
	m.wantFenced(t, err, c, func(r ledger.Record) bool { return r.Mail.Status == ledger.MailSending && r.Mail.Fence == c.fence })
	if err == nil {
		history.mails += maybe
	}
}

// wantFenced wants a claim to be obeyed exactly when it is the one that the record has.
func (m *model) wantFenced(t *rapid.T, err error, c claim, holds func(ledger.Record) bool) {
	history := m.seen[c.id]
	held := !history.forgotten && holds(history.record)
	switch {
	case held && err != nil:
		t.Fatalf("the newest claim %+v was refused: %v", c, err)
	case !held && !errors.Is(err, ledger.ErrStale) && !errors.Is(err, ledger.ErrNotFound):
		t.Fatalf("the old claim %+v was obeyed: %v, %+v", c, err, history.record)
	}
}

func (m *model) Owner(t *rapid.T) {
	id := m.anyID(t)
	owner := rapid.SampledFrom([]string{ada, ada, brendan}).Draw(t, "owner")
	var err error
	switch rapid.SampledFrom([]string{"cancel", "retry", "delete", "terminate"}).Draw(t, "asks for") {
	case "cancel":
		_, err = m.Cancel(background(), owner, id)
	case "retry":
		_, err = m.Retry(background(), owner, id)
	case "delete":
		_, err = m.Delete(background(), owner, id)
	case "terminate":
		_, err = m.Terminate(background(), owner, id)
	}
	expect(t, err, ledger.ErrNotFound, ledger.ErrConflict, ledger.ErrExpired)
	if err == nil {
		if owner != ada {
			t.Fatalf("%s did something to a conversion of %s", owner, ada)
		}
		m.asked = id
	}
}

func (m *model) Relay(t *rapid.T) {
	woken, err := m.ClaimDue(background(), rapid.IntRange(1, 3).Draw(t, "limit"))
	expect(t, err)
	for _, w := range woken {
		if !w.WakeDue.IsZero() && w.Wake == ledger.WakeNobody && w.Status.Terminal() && w.Mail.Status != ledger.MailPending && w.Mail.Status != ledger.MailSending {
			t.Fatalf("woken for nothing: %+v", w)
		}
		if w.Mail.Status == ledger.MailUnknown {
			m.seen[w.ID].mailTaken(t)
		}
	}
	again, err := m.ClaimDue(background(), 100)
	expect(t, err)
	for _, w := range again {
		for _, before := range woken {
			if w.ID == before.ID {
				t.Fatalf("hinted at twice in an interval: %+v", w)
			}
		}
		if w.Mail.Status == ledger.MailUnknown {
			m.seen[w.ID].mailTaken(t)
		}
	}
}

func (m *model) Recover(t *rapid.T) {
	expect(t, m.Ledger.Recover(background()))
}

func (m *model) Collect(t *rapid.T) {
	doomed, err := m.Doomed(background(), nil, 2)
	expect(t, err)
	for _, record := range doomed {
		expect(t, m.FilesRemoved(background(), record.ID))
		m.asked = record.ID // its tombstone may go
	}
}

// forget leaves the store as it was found.
func (m *model) forget(t *rapid.T) {
	for _, id := range m.ids {
		if err := m.backend.Store.Forget(background(), id); err != nil {
			t.Error(err)
		}
	}
}

// settle lets a relay, a converter and a notifier do their work until nothing is left of it.
func (m *model) settle(t *rapid.T) {
	for range 20 {
		m.backend.Advance(25 * time.Hour) // longer than any back-off, and than the life of what nobody uploads any more
		woken, err := m.ClaimDue(background(), 100)
		expect(t, err)
		if len(woken) == 0 {
			break // what is not due by now never comes to its end
		}
		for _, w := range woken {
			expect(t, m.serve(w))
		}
	}
	for _, id := range m.ids {
		record, err := m.Peek(background(), id)
		expect(t, err, ledger.ErrNotFound)
		if err == nil && (!record.Status.Terminal() || !record.WakeDue.IsZero()) {
			t.Fatalf("never came to its end: %+v", record)
		}
	}
}

func (m *model) serve(w ledger.Woken) error {
	switch w.Wake {
	case ledger.WakeConverter:
		record, err := m.Ledger.Claim(background(), w.ID)
		if err != nil {
			return fmt.Errorf("hinted at what cannot be claimed: %w", err)
		}
		_, err = m.Complete(background(), w.ID, record.Fence, video, mp3)
		return err
	case ledger.WakeNotifier:
		record, err := m.Ledger.ClaimMail(background(), w.ID)
		if err != nil {
			return fmt.Errorf("hinted at a mail that cannot be claimed: %w", err)
		}
		return m.MailDelivered(background(), w.ID, record.Mail.Fence)
	default:
		return nil
	}
}
