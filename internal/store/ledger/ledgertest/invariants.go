package ledgertest

import (
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/ledger"
)

// history is what a model has seen of one conversion.
type history struct {
	record    ledger.Record
	forgotten bool
	mails     int // that may have gone out since the conversion last ended
}

// mailTaken notes that a try to send the mail is over without a word: the mail may have gone out.
func (h *history) mailTaken(t *rapid.T) {
	if h.record.Mail.Status == ledger.MailSending {
		h.mails++
	}
}

// Check holds every record, after every step, against what it was before.
func (m *model) Check(t *rapid.T) {
	records, now, err := m.backend.Look(background(), m.ids)
	expect(t, err)
	found := map[conversion.ID]ledger.Record{}
	for _, record := range records {
		found[record.ID] = record
	}
	for _, id := range m.ids {
		before, known := m.seen[id]
		after, there := found[id]
		if !there {
			if !known || before.record.Status != conversion.Deleted || !before.record.FilesGone {
				t.Fatalf("forgotten: %+v", before)
			}
			before.forgotten = true
			continue
		}
		checkRecord(t, after)
		if !known {
			m.seen[id] = &history{record: after}
			continue
		}
		m.checkChange(t, before, after, now)
		before.record = after
	}
	m.asked = ""
}

// longest is the longest time that may pass until somebody looks at a record again, whoever died meanwhile.
func longest(r ledger.Record) time.Duration {
	if r.Status.Terminal() {
		return time.Hour // between two tries of a mail
	}
	if r.Status == conversion.Receiving && r.Pieces.Length > 0 {
		return ledger.DefaultConfig().UploadLife
	}
	return 12 * time.Minute // between two attempts, with jitter
}

func checkRecord(t *rapid.T, r ledger.Record) {
	mailWaits := r.Mail.Status == ledger.MailPending || r.Mail.Status == ledger.MailSending
	switch {
	case !r.Status.Terminal() && r.WakeDue.IsZero():
		t.Fatalf("nobody will ever look at this again: %+v", r)
	case mailWaits && r.WakeDue.IsZero():
		t.Fatalf("nobody will ever send its mail: %+v", r)
	case mailWaits && r.Status != conversion.Completed && r.Status != conversion.Failed:
		t.Fatalf("a mail about what has not ended, or nobody is to hear of: %+v", r)
	case r.Status.Terminal() && !mailWaits && !r.WakeDue.IsZero():
		t.Fatalf("somebody is woken for nothing: %+v", r)
	case r.Attempts < 0 || r.Attempts > ledger.DefaultConfig().MaxAttempts:
		t.Fatalf("%d attempts: %+v", r.Attempts, r)
	case (r.Status == conversion.Completed) != (r.MP3 != nil) && r.Status != conversion.Deleted:
		t.Fatalf("an MP3 without an end, or the other way round: %+v", r)
	case (r.Status == conversion.Failed) != (r.Failure != nil) && r.Status != conversion.Deleted:
		t.Fatalf("a failure without a reason, or the other way round: %+v", r)
	case r.Status == conversion.Receiving && r.Pieces.Length > 0 && r.Pieces.Offset >= r.Pieces.Length:
		t.Fatalf("all bytes are there, and nobody will convert them: %+v", r)
	case r.Status != conversion.Receiving && r.Status != conversion.Deleted && r.Pieces.Offset != r.Pieces.Length:
		t.Fatalf("%s without all its bytes: %+v", r.Status, r)
	case r.Status == conversion.Deleted && r.FilesDue.IsZero():
		t.Fatalf("a tombstone that nobody will ever remove: %+v", r)
	}
}

func (m *model) checkChange(t *rapid.T, seen *history, after ledger.Record, now time.Time) {
	before := seen.record
	if cmp.Equal(before, after) {
		return
	}
	if after.Fence < before.Fence || after.Mail.Fence < before.Mail.Fence {
		t.Fatalf("a fence went back: %s", cmp.Diff(before, after))
	}
	if after.Pieces.Offset < before.Pieces.Offset {
		t.Fatalf("bytes that lasted are gone: %s", cmp.Diff(before, after))
	}
	if before.Status.Terminal() && after.Status != before.Status && m.asked != after.ID {
		t.Fatalf("%s became %s although nobody asked for it", before.Status, after.Status)
	}
	if before.Status == conversion.Deleted && after.Status != before.Status {
		t.Fatalf("a tombstone became %s", after.Status)
	}
	if before.Status == conversion.Completed && after.Status != before.Status && after.Status != conversion.Deleted {
		t.Fatalf("a completed conversion became %s", after.Status)
	}
	if before.Status != after.Status && after.Status.Terminal() && after.Fence == before.Fence {
		t.Fatalf("became %s and left a claim valid: %+v", after.Status, after)
	}
	if !after.WakeDue.IsZero() && after.WakeDue.After(before.WakeDue) && after.WakeDue.Sub(now) > longest(after) {
		t.Fatalf("nobody will look at this for %s: %+v", after.WakeDue.Sub(now), after)
	}
	if !before.FinishedAt.Equal(after.FinishedAt) && after.Mail.Status == ledger.MailPending {
		seen.mails = 0
	}
	if seen.mails > 2 {
		t.Fatalf("%d mails may have gone out: %+v", seen.mails, after)
	}
}
