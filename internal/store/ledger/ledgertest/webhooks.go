package ledgertest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/ledger"
)

// webhook makes one that was there before any conversion ends.
func (f *fixture) webhook(owner string, events ...string) ledger.Webhook {
	f.Helper()
	if events == nil {
		events = ledger.WebhookEvents
	}
	webhook := ledger.Webhook{
		ID: string(conversion.NewID(time.Now())), Owner: owner, URL: "https://example.com/hook?a=b", Secret: []byte{0, 255, 'a'},
		Events: events, CreatedAt: time.Date(2026, 2, 3, 4, 5, 6, 789000, time.UTC),
	}
	f.must(f.Store.AddWebhook(f.Context(), webhook))
	return webhook
}

func (f *fixture) expectWebhooks(owner string, want ...ledger.Webhook) {
	f.Helper()
	got, err := f.Store.Webhooks(f.Context(), owner)
	f.must(err)
	if diff := cmp.Diff(want, got); diff != "" {
		f.Errorf("webhooks (-want +got):\n%s", diff)
	}
}

// announce tells of a conversion, with a payload that names it.
func (f *fixture) announce(c conversion.Conversion) {
	f.Helper()
	f.must(f.Ledger.Announce(f.Context(), c, func(event string) ([]byte, error) {
		return fmt.Appendf(nil, `{"type":%q,"data":"é😀"}`, event), nil
	}))
}

func (f *fixture) claimDeliveries() []ledger.Delivery {
	f.Helper()
	claimed, err := f.Store.ClaimDeliveries(f.Context(), 100, time.Minute, nil)
	f.must(err)
	return claimed
}

func testWebhooks(t *testing.T, f *fixture) {
	ctx := t.Context()
	first := f.webhook(ada)
	second := first
	second.ID, second.CreatedAt, second.Events = string(conversion.NewID(time.Now())), first.CreatedAt.Add(time.Second), []string{ledger.EventFailed}
	f.must(f.Store.AddWebhook(ctx, second))
	others := f.webhook(brendan)
	f.expectWebhooks(ada, second, first)
	if err := f.Store.RemoveWebhook(ctx, brendan, first.ID); !errors.Is(err, ledger.ErrNoWebhook) {
		t.Errorf("remove another's: %v, want ErrNoWebhook", err)
	}
	f.must(f.Store.RemoveWebhook(ctx, ada, first.ID))
	if err := f.Store.RemoveWebhook(ctx, ada, first.ID); !errors.Is(err, ledger.ErrNoWebhook) {
		t.Errorf("remove twice: %v, want ErrNoWebhook", err)
	}
	f.expectWebhooks(ada, second)
	for range ledger.MaxWebhooks - 1 {
		f.webhook(ada)
	}
	extra := first
	if err := f.Store.AddWebhook(ctx, extra); !errors.Is(err, ledger.ErrTooManyWebhooks) {
		t.Errorf("one too many: %v, want ErrTooManyWebhooks", err)
	}
	_, err := f.Close(ctx, ada)
	f.must(err)
	f.expectWebhooks(ada)
	f.expectWebhooks(brendan, others)
	if err := f.Store.AddWebhook(ctx, extra); !errors.Is(err, ledger.ErrClosed) {
		t.Errorf("for a closed owner: %v, want ErrClosed", err)
	}
}

func testDeliveries(t *testing.T, f *fixture) {
	ctx := t.Context()
	hook := f.webhook(ada)
	f.webhook(ada, ledger.EventFailed)
	f.webhook(brendan)
	done := f.completed()
	for range 2 { // a hint that comes twice
		f.announce(done.Conversion)
	}
	f.announce(f.peek(f.queued()).Conversion)
	first := f.claimDeliveries()
	if len(first) != 1 || first[0].Event != ledger.EventCompleted || first[0].Attempts != 1 || string(first[0].Payload) != `{"type":"conversion.completed","data":"é😀"}` {
		t.Fatalf("claimed: %+v", first)
	}
	if diff := cmp.Diff(hook, first[0].Webhook); diff != "" {
		t.Errorf("webhook (-want +got):\n%s", diff)
	}
	if again := f.claimDeliveries(); len(again) != 0 {
		t.Errorf("claimed by two: %+v", again)
	}
	f.Advance(time.Minute + time.Second) // who had it is gone
	second := f.claimDeliveries()
	if len(second) != 1 || second[0].ID != first[0].ID || second[0].Attempts != 2 {
		t.Fatalf("claimed after a crash: %+v", second)
	}
	f.must(f.Store.PutOffDelivery(ctx, second[0].ID, time.Hour))
	f.Advance(59 * time.Minute)
	if early := f.claimDeliveries(); len(early) != 0 {
		t.Errorf("claimed early: %+v", early)
	}
	f.Advance(2 * time.Minute)
	if third := f.claimDeliveries(); len(third) != 1 || third[0].Attempts != 3 {
		t.Fatalf("claimed when put off: %+v", third)
	}
	f.must(f.Store.EndDelivery(ctx, first[0].ID))
	f.announce(done.Conversion) // the hint once more
	f.Advance(time.Hour)
	if ended := f.claimDeliveries(); len(ended) != 0 {
		t.Errorf("claimed after its end: %+v", ended)
	}
	f.must(f.Store.PutOffDelivery(ctx, first[0].ID, -time.Hour))
	if ended := f.claimDeliveries(); len(ended) != 0 {
		t.Errorf("claimed when put off after its end: %+v", ended)
	}
	for _, step := range []struct {
		age  time.Duration
		want int
	}{{24 * time.Hour, 0}, {time.Hour, 1}, {time.Hour, 0}} {
		if removed, err := f.Store.CollectDeliveries(ctx, step.age, 10); err != nil || removed != step.want {
			t.Errorf("collected %d, %v, want %d", removed, err, step.want)
		}
	}
}

// testDeliveriesOfOthers leaves calls of some owners alone.
func testDeliveriesOfOthers(t *testing.T, f *fixture) {
	f.webhook(ada)
	theirs := f.webhook(brendan)
	f.announce(f.completed().Conversion)
	c := f.completed().Conversion
	c.Owner = brendan
	f.announce(c)
	for _, but := range [][]string{{ada, brendan}, {ada, "nobody"}, {ada}} {
		claimed, err := f.Store.ClaimDeliveries(t.Context(), 10, time.Minute, but)
		f.must(err)
		if want := len(but) == 2 && but[1] == "nobody"; (len(claimed) == 1) != want || want && claimed[0].Webhook.ID != theirs.ID {
			t.Errorf("claimed but those of %v: %+v", but, claimed)
		}
	}
	if left := f.claimDeliveries(); len(left) != 1 {
		t.Errorf("left: %+v, want one", left)
	}
}

// testDeliveriesOfOneSecond has a conversion end twice within a second: its owner was quick to try it again.
func testDeliveriesOfOneSecond(t *testing.T, f *fixture) {
	f.webhook(ada)
	c := f.completed().Conversion
	c.FinishedAt = c.FinishedAt.Truncate(time.Second).Add(time.Millisecond)
	f.announce(c)
	c.FinishedAt = c.FinishedAt.Add(time.Millisecond)
	f.announce(c)
	f.announce(c)
	if claimed := f.claimDeliveries(); len(claimed) != 2 || strings.Contains(claimed[0].ID, ".") {
		t.Errorf("claimed: %+v, want two", claimed)
	}
}

// testDeliveryGivenUp has calls fail for good, of a webhook that takes others and of one that takes none.
func testDeliveryGivenUp(t *testing.T, f *fixture) {
	ctx := t.Context()
	giveUp := func(delivery ledger.Delivery, want bool) {
		t.Helper()
		if disabled, err := f.Store.GiveUpDelivery(ctx, delivery.ID); err != nil || disabled != want {
			t.Errorf("give up: disabled %t, %v, want %t", disabled, err, want)
		}
		got, err := f.Store.Webhooks(ctx, ada)
		f.must(err)
		if got[0].DisabledAt.IsZero() == want {
			t.Errorf("webhooks: %+v", got)
		}
	}
	f.webhook(ada)
	f.announce(f.completed().Conversion)
	f.announce(f.completed().Conversion)
	f.Advance(time.Second)
	f.announce(f.completed().Conversion)
	claimed := f.claimDeliveries() // oldest first
	if len(claimed) != 3 {
		t.Fatalf("claimed: %+v", claimed)
	}
	f.must(f.Store.EndDelivery(ctx, claimed[2].ID))
	giveUp(claimed[0], false)
	f.announce(f.completed().Conversion)
	f.Advance(time.Hour)
	later := f.claimDeliveries()
	if len(later) != 2 || later[1].ID != claimed[1].ID {
		t.Fatalf("claimed later: %+v, want what was not given up", later)
	}
	giveUp(later[0], true)
	if due := f.claimDeliveries(); len(due) != 0 {
		t.Errorf("claimed of a webhook that is disabled: %+v", due)
	}
}

func testDisabledWebhook(t *testing.T, f *fixture) {
	ctx := t.Context()
	hook := f.webhook(ada)
	done := f.completed()
	f.announce(done.Conversion)
	f.must(f.Store.DisableWebhook(ctx, hook.ID))
	if due := f.claimDeliveries(); len(due) != 0 {
		t.Errorf("claimed: %+v", due)
	}
	got, err := f.Store.Webhooks(ctx, ada)
	f.must(err)
	if len(got) != 1 || got[0].DisabledAt.IsZero() {
		t.Errorf("webhooks: %+v", got)
	}
	f.announce(f.completed().Conversion)
	f.webhook(ada)
	removed := f.webhook(ada)
	f.announce(f.completed().Conversion)
	f.must(f.Store.RemoveWebhook(ctx, ada, removed.ID))
	gone := ledger.Delivery{ID: "a", Webhook: removed, Event: ledger.EventCompleted} // by a notifier that had seen it
	f.must(f.Store.AddDeliveries(ctx, []ledger.Delivery{gone}))
	if due := f.claimDeliveries(); len(due) != 1 { // of the one that was neither disabled nor removed
		t.Errorf("claimed: %+v", due)
	}
}
