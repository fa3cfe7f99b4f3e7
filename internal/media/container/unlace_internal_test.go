package container

import (
	"bytes"
	"testing"
)

// TestUnlace finds the first of three frames, by each way that Matroska has to tell their sizes.
func TestUnlace(t *testing.T) {
	long := bytes.Repeat([]byte{'a'}, 300)
	for name, test := range map[string]struct {
		flags  byte
		frames []byte
		want   string
	}{
		"alone":       {0x80, []byte("abc"), "abc"},
		"Xiph":        {0x02, append([]byte{2, 255, 45, 1}, append(long, 'b', 'c')...), string(long) + "bc"},
		"fixed":       {0x04, []byte{2, 'a', 'b', 'c'}, "abc"},
		"EBML":        {0x06, append([]byte{2, 0x41, 0x2C, 0x5F, 0xD3}, append(long, 'b', 'c')...), string(long) + "bc"},
		"none behind": {0x02, []byte{2, 1, 1}, ""},
	} {
		at, err := unlace(test.flags, test.frames)
		if err != nil || string(test.frames[at:]) != test.want {
			t.Errorf("%s: at %d: %v", name, at, err)
		}
	}
	for _, frames := range [][]byte{{}, {5, 255, 255}, {1}} {
		if _, err := unlace(0x02, frames); err == nil {
			t.Errorf("%v: no error", frames)
		}
	}
}
