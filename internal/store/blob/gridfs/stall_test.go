package gridfs

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/event"

	"github.com/unreel/unreel/internal/store/blob"
)

// TestStalledCommit stops a writer before each command of its commit, one after the other, until its successor, who has
// a later claim, has committed. What the successor has stored stays, and nothing else does.
func TestStalledCommit(t *testing.T) {
	for name, replaces := range map[string]bool{"first": false, "replacing": true} {
		t.Run(name, func(t *testing.T) {
			for step := 0; ; step++ {
				if !stallAt(t, step, replaces) {
					t.Logf("%d commands", step)
					return
				}
			}
		})
	}
}

// stallAt reports whether the commit had that many commands.
func stallAt(t *testing.T, step int, replaces bool) (stalled bool) {
	t.Helper()
	successor, id := open(t), newID()
	successor.patience = 50 * time.Millisecond
	size := 100
	if replaces {
		size = chunkSize + 1
		put(t, successor, id, pattern("old", 100), blob.Meta{SHA256: "old", Fence: 1})
	}
	data := pattern("successor", 100)
	said := ""
	commands := -1 // of the commit
	config := successor.config
	config.monitor = &event.CommandMonitor{Started: func(_ context.Context, started *event.CommandStartedEvent) {
		if commands < 0 || stalled {
			return
		}
		if commands == step {
			stalled = true
			said = started.CommandName
			put(t, successor, id, data, blob.Meta{SHA256: "successor", Fence: 3})
		}
		commands++
	}}
	w := begin(t, openConfig(t, config), id)
	write(t, w, pattern("stalled", size))
	commands = 0
	err := w.Commit(t.Context(), blob.Meta{SHA256: "stalled", Fence: 2})
	commands = -1
	if !stalled {
		if err != nil {
			t.Errorf("commit without a successor: %v", err)
		}
		return false
	}
	what := fmt.Sprintf("stalled before command %d, %s", step, said)
	if err := w.Abort(); err != nil {
		t.Errorf("%s: abort: %v", what, err)
	}
	got, missing := read(t, successor, id)
	if diff := cmp.Diff(string(data[:9]), string(got[:min(len(got), 9)])); diff != "" || missing != nil || len(got) != len(data) {
		t.Errorf("%s, then %v: %d bytes are stored, %v, want %d (-want +got):\n%s", what, err, len(got), missing, len(data), diff)
	}
	wantDocuments(t, successor, 1, 1, 0)
	return true
}

// TestStaleAfterSame has a converter come late whose claim lies between that of a file and that of somebody who found
// the file to have the same bytes.
func TestStaleAfterSame(t *testing.T) {
	store, id := open(t), newID()
	same := pattern("same", 10)
	put(t, store, id, same, blob.Meta{SHA256: "same", Fence: 1})
	late := begin(t, store, id)
	write(t, late, pattern("late", 11))
	put(t, store, id, same, blob.Meta{SHA256: "same", Fence: 5})
	if err := late.Commit(t.Context(), blob.Meta{SHA256: "late", Fence: 3}); !errors.Is(err, blob.ErrSuperseded) {
		t.Errorf("commit: got %v, want ErrSuperseded", err)
	}
	wantContent(t, store, id, same)
	wantDocuments(t, store, 1, 1, 0)
}

// TestStaleAfterAll has a converter come late that has not even begun to store.
func TestStaleAfterAll(t *testing.T) {
	store, id := open(t), newID()
	put(t, store, id, []byte("winner"), blob.Meta{SHA256: "winner", Fence: 2})
	late := begin(t, store, id)
	write(t, late, []byte("late"))
	if err := late.Commit(t.Context(), blob.Meta{SHA256: "late", Fence: 1}); !errors.Is(err, blob.ErrSuperseded) {
		t.Errorf("commit: got %v, want ErrSuperseded", err)
	}
	wantContent(t, store, id, []byte("winner"))
	wantDocuments(t, store, 1, 1, 0)
}
