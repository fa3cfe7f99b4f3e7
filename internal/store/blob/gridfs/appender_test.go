package gridfs

import (
	"context"
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/event"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/blob"
)

func appendTo(t *testing.T, store blob.Store, id conversion.ID, fence int64, from blob.Mark) *appender {
	t.Helper()
	opened, err := store.Append(t.Context(), blob.Video, id, fence, from)
	if err != nil {
		t.Fatal(err)
	}
	own, ok := opened.(*appender)
	if !ok {
		t.Fatalf("append returned a %T", opened)
	}
	return own
}

func markOf(t *testing.T, a *appender) blob.Mark {
	t.Helper()
	mark, err := a.Sync(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return mark
}

// TestPiecesCleanUp keeps two tails at the most, and none once the blob is whole.
func TestPiecesCleanUp(t *testing.T) {
	store, id := open(t), newID()
	data := pattern("pieces ", 2*chunkSize+600)
	first := appendTo(t, store, id, 1, blob.Mark{})
	for at := 0; at < 500; at += 100 {
		write(t, first, data[at:at+100])
		markOf(t, first)
	}
	wantDocuments(t, store, 0, 0, 3)
	mark := markOf(t, first)
	left := appendTo(t, store, id, 2, mark)
	wantDocuments(t, store, 0, 0, 2)
	write(t, left, pattern("left", chunkSize))
	markOf(t, left)
	last := appendTo(t, store, id, 3, mark)
	write(t, last, data[500:])
	if err := last.Commit(t.Context(), blob.Meta{Owner: "42", SHA256: "ab12"}); err != nil {
		t.Fatal(err)
	}
	wantContent(t, store, id, data)
	wantStream(t, store, id, data)
	wantDocuments(t, store, 1, 3, 0)
}

// TestAppenderHoldsOneChunk writes much more than that.
func TestAppenderHoldsOneChunk(t *testing.T) {
	store := open(t)
	a := appendTo(t, store, newID(), 1, blob.Mark{})
	for range 10 {
		write(t, a, pattern("steps", chunkSize/4+1))
		if len(a.buffer) >= chunkSize || cap(a.buffer) > 2*chunkSize {
			t.Fatalf("holds %d of %d bytes", len(a.buffer), cap(a.buffer))
		}
	}
}

// TestStalledAppender stops an appender before each of its commands, one after the other, until its successor has
// committed, or has kept a mark from which a third goes on. What they have stored stays.
func TestStalledAppender(t *testing.T) {
	for name, commits := range map[string]bool{"the successor commits": true, "the successor keeps a mark": false} {
		t.Run(name, func(t *testing.T) {
			for step := 0; ; step++ {
				if !stallAppender(t, step, commits) {
					t.Logf("%d commands", step)
					return
				}
			}
		})
	}
}

// stallAppender reports whether the appender had that many commands.
func stallAppender(t *testing.T, step int, commits bool) (stalled bool) {
	t.Helper()
	store, id := open(t), newID()
	data := pattern("right ", chunkSize+300)
	begun := appendTo(t, store, id, 1, blob.Mark{})
	write(t, begun, data[:100])
	mark, said, commands, ended := markOf(t, begun), "", 0, false
	finish := func(fence int64) {
		a := appendTo(t, store, id, fence, mark)
		write(t, a, data[mark.Size:])
		if err := a.Commit(t.Context(), blob.Meta{SHA256: "right"}); err != nil {
			t.Errorf("stalled before command %d, %s: commit of the successor: %v", step, said, err)
		}
	}
	config := store.config
	config.monitor = &event.CommandMonitor{Started: func(_ context.Context, started *event.CommandStartedEvent) {
		if started.CommandName == "createIndexes" || stalled || ended {
			return
		}
		if commands == step {
			stalled, said = true, started.CommandName
			if commits {
				finish(3)
				return
			}
			a := appendTo(t, store, id, 3, mark)
			write(t, a, data[mark.Size:200])
			mark = markOf(t, a)
		}
		commands++
	}}
	err := useAll(t, openConfig(t, config), id, mark)
	ended = true
	if !stalled {
		if err != nil {
			t.Errorf("without a successor: %v", err)
		}
		return false
	}
	if !commits {
		finish(4)
	}
	got, missing := read(t, store, id)
	if missing != nil || string(got) != string(data) {
		t.Errorf("stalled before command %d, %s, then %v: %d bytes are stored, %v", step, said, err, len(got), missing)
	}
	return true
}

// useAll does all that an appender can, with other bytes.
func useAll(t *testing.T, store *Store, id conversion.ID, from blob.Mark) error {
	a, err := store.Append(t.Context(), blob.Video, id, 2, from)
	if err != nil {
		return fmt.Errorf("append: %w", err)
	}
	if _, err := a.Write(pattern("wrong ", 100)); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if _, err := a.Sync(t.Context()); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	if _, err := a.Write(pattern("wrong ", chunkSize+100)); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return a.Commit(t.Context(), blob.Meta{SHA256: "wrong"})
}
