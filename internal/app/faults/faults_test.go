package faults

import (
	"context"
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/mail"
	"github.com/unreel/unreel/internal/queue"
	"github.com/unreel/unreel/internal/store/blob"
	"github.com/unreel/unreel/internal/store/blob/disk"
	"github.com/unreel/unreel/internal/store/ledger"
	"github.com/unreel/unreel/internal/store/users"
)

// harmless are the methods that need no point.
var harmless = map[string]string{
	"blob.Open": "reads", "blob.List": "reads", "blob.Check": "reads",
	"blob.Close": "changes nothing that lasts",
	"ledger.Get": "reads", "ledger.List": "reads", "ledger.Doomed": "reads", "ledger.Failed": "reads", "ledger.Known": "reads", "ledger.Survey": "reads",
	"ledger.Places": "reads", "ledger.Check": "reads", "ledger.Usage": "reads", "ledger.OfClosed": "reads",
	"ledger.Close": "one statement; cut off behind it, a collector does the rest", "ledger.Reopen": "one statement, which may run twice",
	"ledger.Webhooks": "reads", "ledger.AddWebhook": "one transaction; cut off, one tries again", "ledger.RemoveWebhook": "one transaction; cut off, one tries again",
	"ledger.AddDeliveries": "one transaction, which may run twice, before queue.Handle ends", "ledger.ClaimDeliveries": "one transaction; cut off, the call is due again later",
	"ledger.EndDelivery": "one statement; cut off, the call is made twice", "ledger.PutOffDelivery": "one statement; cut off, the call is due again all the same",
	"ledger.GiveUpDelivery": "one transaction; cut off, the call is made once more",
	"ledger.DisableWebhook": "one transaction; cut off, the last call is made once more", "ledger.CollectDeliveries": "one statement, which may run twice",
	"mail.Check":    "asks",
	"queue.Consume": "its effects are those of the handler, queue.Handle",
	"queue.Close":   "only at the end", "queue.Subscribe": "listens", "queue.Check": "asks",
	"users.ByID": "reads", "users.ByEmail": "reads", "users.List": "reads", "users.Check": "reads",
	"users.SetAdmin": "only `unreel users` calls it", "users.AddKey": "only `unreel users` calls it",
	"users.Change": "one transaction; cut off, one tries again", "users.Delete": "one transaction; cut off, one tries again",
	"users.APIKeys": "reads", "users.FindAPIKey": "reads", "users.UseAPIKey": "one statement, which may run twice",
	"users.AddAPIKey":    "one transaction; cut off, a key is listed that nobody knows, and can be removed",
	"users.RemoveAPIKey": "one statement; cut off, one tries again",
	"users.AddLetter":    "one statement; cut off, one asks again", "users.ClaimLetters": "one transaction; cut off, the letter is due again later",
	"users.RemoveLetter": "one statement; cut off, the mail goes out twice", "users.AddMailToken": "one statement; cut off, nobody knows the token",
	"users.ResetByMail": "one transaction; cut off, one tries again", "users.VerifyByMail": "one transaction, which may run twice",
	"users.CollectMailTokens": "one statement, which may run twice",
	"users.ReplacePassword":   "only after a change of the hash's cost, which a test cannot make from outside",
	"users.HasSession":        "reads",
	"users.BeginSession":      "one transaction; cut off, one logs in again", "users.RotateSession": "one transaction; cut off, one logs in again",
	"users.EndSession": "one statement, which may run twice", "users.EndFamily": "one statement, which may run twice",
	"users.CollectSessions": "one statement, which may run twice",
}

// TestEveryEffectHasAPoint fails when a contract gets a method that nobody has thought about.
func TestEveryEffectHasAPoint(t *testing.T) {
	var methods []string
	for _, contract := range []any{
		(*ledger.Store)(nil), (*blob.Store)(nil), (*blob.Writer)(nil), (*blob.Appender)(nil), (*queue.Queue)(nil), (*mail.Sender)(nil), (*users.Store)(nil),
	} {
		kind := reflect.TypeOf(contract).Elem()
		pkg := kind.PkgPath()[strings.LastIndex(kind.PkgPath(), "/")+1:]
		for method := range kind.Methods() {
			methods = append(methods, pkg+"."+method.Name)
		}
	}
	known := append([]string{}, Effects...)
	for method := range harmless {
		known = append(known, method)
	}
	known = slices.DeleteFunc(known, func(name string) bool { return name == "queue.Handle" })
	slices.Sort(methods)
	methods = slices.Compact(methods) // a blob's two writers have some in common
	slices.Sort(known)
	if diff := cmp.Diff(methods, known); diff != "" {
		t.Errorf("methods of the contracts (-) and those that have a point or need none (+):\n%s", diff)
	}
}

func TestParse(t *testing.T) {
	for _, want := range []Point{{"blob.Commit", true, 3}, {"mail.Send", false, 1}} {
		if got, err := Parse(want.String()); err != nil || got != want {
			t.Errorf("Parse(%q) = %v, %v", want, got, err)
		}
	}
	if got, err := Parse(""); err != nil || got != (Point{}) {
		t.Errorf("Parse of nothing = %v, %v", got, err)
	}
	for _, text := range []string{
		"blob.Commit", "blob.Commit:after", "blob.Commit:after:0", "blob.Commit:after:x", "blob.Commit:during:1", "blob.Open:after:1",
	} {
		if got, err := Parse(text); err == nil || !strings.Contains(err.Error(), "queue.Handle") {
			t.Errorf("Parse(%q) = %v, %v", text, got, err)
		}
	}
}

// TestEndsAroundTheCall looks at what has been done when the process would end.
func TestEndsAroundTheCall(t *testing.T) {
	first, second := conversion.ID("6b033c4259dafd7437a38151"), conversion.ID("6b033c4259dafd7437a38152")
	for _, test := range []struct {
		point Point
		want  map[conversion.ID]bool // committed when the trap closes
	}{
		{Point{"blob.Commit", false, 2}, map[conversion.ID]bool{first: true}},
		{Point{"blob.Commit", true, 1}, map[conversion.ID]bool{first: true}},
		{Point{"blob.Create", false, 2}, map[conversion.ID]bool{first: true}},
	} {
		files, err := disk.Open(disk.Config{Dir: t.TempDir(), Reserve: 1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { files.Close() })
		var ended []map[conversion.ID]bool
		store := New(test.point, func() { ended = append(ended, committed(t, files, first, second)) }).Blobs(files)
		if local, ok := store.(blob.Local); !ok {
			t.Error("files of this machine are no longer seen to be")
		} else if _, err := local.Path(blob.Video, first); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("path: %v", err)
		}
		for _, id := range []conversion.ID{first, second} {
			put(t, store, id)
		}
		if diff := cmp.Diff([]map[conversion.ID]bool{test.want}, ended); diff != "" {
			t.Errorf("%s: committed at the end (-want +got):\n%s", test.point, diff)
		}
	}
}

func put(t *testing.T, store blob.Store, id conversion.ID) {
	t.Helper()
	writer, err := store.Create(t.Context(), blob.Video, id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writer.Write([]byte("video")); err != nil {
		t.Fatal(err)
	}
	if err := writer.Commit(t.Context(), blob.Meta{}); err != nil {
		t.Fatal(err)
	}
}

func committed(t *testing.T, files *disk.Store, ids ...conversion.ID) map[conversion.ID]bool {
	t.Helper()
	found := map[conversion.ID]bool{}
	for _, id := range ids {
		path, err := files.Path(blob.Video, id)
		if err != nil {
			continue
		}
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
		found[id] = true
	}
	return found
}

// TestHandlerEndsBeforeItsHintIsSettled puts the trap around a handler.
func TestHandlerEndsBeforeItsHintIsSettled(t *testing.T) {
	var said []string
	trap := New(Point{"queue.Handle", true, 1}, func() { said = append(said, "end") })
	hints := trap.Queue(oneHint{settled: func() { said = append(said, "settled") }})
	err := hints.Consume(t.Context(), queue.Video, 1, func(context.Context, queue.Message) error {
		said = append(said, "handled")
		return nil
	})
	if diff := cmp.Diff([]string{"handled", "end", "settled"}, said); diff != "" || err != nil {
		t.Errorf("(-want +got):\n%s%v", diff, err)
	}
}

// oneHint delivers one hint.
type oneHint struct {
	queue.Queue

	settled func()
}

// Consume implements queue.Queue.
func (q oneHint) Consume(ctx context.Context, _ queue.Topic, _ int, handler queue.Handler) error {
	defer q.settled()
	return handler(ctx, queue.Message{})
}
