package mp3_test

import (
	"bytes"
	"testing"

	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/internal/media/mp3"
)

// stream lays units out as they would be written, and reads them back.
func stream(t *testing.T, units ...mp3.Units) mp3.Units {
	t.Helper()
	var raw bytes.Buffer
	for _, part := range units {
		for _, unit := range part {
			raw.Write(unit.Data)
		}
	}
	again, err := unpack(raw.Bytes())
	if want := len(units[0]) + len(units[1]); len(again) != want {
		t.Fatalf("%d of %d frames can be read: %v", len(again), want, err)
	}
	return again
}

// TestJoin goes over from each of two streams to the other at many places: no frame loses its sound.
func TestJoin(t *testing.T) {
	for name, args := range map[string][2]string{
		"constant":           {"-b:a 128k", "-b:a 128k"},
		"variable":           {"-q:a 2", "-q:a 2"},
		"into little room":   {"-q:a 9", "-q:a 0"},
		"into much room":     {"-b:a 320k", "-q:a 4"},
		"low sampling rates": {"-ar 22050 -q:a 6", "-ar 22050 -q:a 3"},
	} {
		t.Run(name, func(t *testing.T) {
			head, _ := unpack(mediatest.Bytes(t, mediatest.Spec{Container: "mp3", Seconds: 3, Extra: args[0]}))
			tail, _ := unpack(mediatest.Bytes(t, mediatest.Spec{Container: "mp3", Seconds: 3, Extra: args[1]}))
			for at := 20; at < min(len(head), len(tail)); at += 7 {
				joined := clone(head[:at])
				if err := mp3.Join(joined, tail, at); err != nil {
					t.Fatalf("at %d: %v", at, err)
				}
				again := stream(t, joined, tail[at:])
				for i := range again {
					want := tail
					if i < at {
						want = head
					}
					if !again.Sounds(i, want, i) {
						t.Fatalf("joined at %d, frame %d sounds different", at, i)
					}
				}
			}
		})
	}
}

func clone(units mp3.Units) mp3.Units {
	copies := append(mp3.Units(nil), units...)
	for i := range copies {
		copies[i].Data = bytes.Clone(copies[i].Data)
	}
	return copies
}

func TestJoinRefuses(t *testing.T) {
	units, _ := unpack(mediatest.Bytes(t, mediatest.Spec{Container: "mp3", Seconds: 2, Extra: "-b:a 320k"}))
	if err := mp3.Join(nil, units, 3); err == nil {
		t.Error("joined to nothing")
	}
	if err := mp3.Join(units, units, len(units)); err == nil {
		t.Error("joined with nothing")
	}
}

func FuzzJoin(f *testing.F) {
	raw := mediatest.Bytes(f, mediatest.Spec{Container: "mp3", Seconds: 1, Extra: "-q:a 2"})
	f.Add(raw[:min(len(raw), 9000)], raw[:min(len(raw), 9000)], uint8(10))
	f.Fuzz(func(t *testing.T, a, b []byte, at uint8) {
		head, _ := unpack(a)
		tail, _ := unpack(b)
		head = head[:min(len(head), int(at))]
		if len(head) == 0 || mp3.Join(head, tail, int(at)) != nil {
			return
		}
		if head[0].SampleRate() == tail[at].SampleRate() && head[0].Channels() == tail[at].Channels() {
			if again := stream(t, head, tail[at:]); !again.Sounds(int(at), tail, int(at)) {
				t.Error("the first frame behind the joint sounds different")
			}
		}
	})
}
