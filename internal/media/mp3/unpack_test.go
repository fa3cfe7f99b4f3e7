package mp3_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/internal/media/mp3"
)

// unpack takes all frames of an MP3 out of the reservoir.
func unpack(raw []byte) (units mp3.Units, err error) {
	var unpacker mp3.Unpacker
	for reader := mp3.NewReader(bytes.NewReader(raw)); ; {
		frame, err := reader.Next()
		if err != nil {
			return units, err
		}
		frame.Data = bytes.Clone(frame.Data)
		unit, err := unpacker.Add(frame)
		if err != nil {
			return units, err
		}
		units = append(units, unit)
	}
}

// TestUnpack holds what is unpacked against the rules that every stream keeps: main data lies in order, within what the
// slots so far have.
func TestUnpack(t *testing.T) {
	for _, spec := range []mediatest.Spec{
		{Container: "mp3", Seconds: 3},
		{Container: "mp3", Seconds: 3, Extra: "-b:a 320k"},
		{Container: "mp3", Seconds: 3, Extra: "-q:a 2"},
		{Container: "mp3", Seconds: 3, Extra: "-ar 22050 -b:a 32k"},
		{Container: "mp3", Seconds: 3, Extra: "-ac 1 -ar 16000 -q:a 5"},
	} {
		units, err := unpack(mediatest.Bytes(t, spec))
		if len(units) < 80 {
			t.Fatalf("%+v: %d frames: %v", spec, len(units), err)
		}
		sounding := 0
		for i, unit := range units[1:] {
			if unit.Begin > units[i].Free {
				t.Fatalf("frame %d begins %d bytes early, where %d are free", i+1, unit.Begin, units[i].Free)
			}
			if unit.Bits > 0 {
				sounding++
			}
			if !units.Same(i+1, units, i+1) || !units.Sounds(i+1, units, i+1) {
				t.Fatalf("frame %d is not itself", i+1)
			}
		}
		if sounding < len(units)/2 {
			t.Errorf("%+v: only %d of %d frames sound", spec, sounding, len(units))
		}
	}
}

func TestUnpackRefuses(t *testing.T) {
	units, _ := unpack(mediatest.Bytes(t, mediatest.Spec{Container: "mp3", Seconds: 2}))
	for i, unit := range units {
		if unit.Begin == 0 {
			continue
		}
		var cold mp3.Unpacker
		if _, err := cold.Add(unit.Frame); !errors.Is(err, mp3.ErrCorrupt) {
			t.Errorf("frame %d, whose main data is not there: %v", i, err)
		}
		short := mp3.Frame{Header: unit.Header, Data: unit.Data[:20]}
		if _, err := cold.Add(short); !errors.Is(err, mp3.ErrCorrupt) {
			t.Errorf("frame %d, cut off: %v", i, err)
		}
		return
	}
	t.Error("no frame uses the reservoir")
}

func FuzzUnpack(f *testing.F) {
	f.Add(mediatest.Bytes(f, mediatest.Spec{Container: "mp3", Seconds: 1})[:4000])
	f.Fuzz(func(t *testing.T, raw []byte) {
		units, err := unpack(raw)
		if err == nil {
			t.Error("no end")
		}
		for i, unit := range units {
			if unit.Free < 0 || !units.Same(i, units, i) {
				t.Errorf("%+v", unit)
			}
		}
	})
}
