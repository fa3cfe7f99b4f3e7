package mp3_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/internal/media/mp3"
)

func TestInfoRoundTrip(t *testing.T) {
	for _, version := range []mp3.Version{mp3.MPEG1, mp3.MPEG2, mp3.MPEG25} {
		for _, mode := range []mp3.Mode{mp3.JointStereo, mp3.Mono} {
			for rate := range 3 {
				like := mp3.Header{Version: version, RateIndex: rate, Mode: mode, BitrateIndex: 5}
				want := mp3.Info{
					VBR: true, Frames: 123456, Bytes: 7654321, HasTOC: true, Quality: 80, Encoder: "LAME3.100",
					Method: mp3.MethodVBR, Bitrate: 32, Delay: 576, Padding: 1234, MusicCRC: 0xBEEF,
				}
				want.TOC[99] = 200
				raw := want.Frame(like)
				frame, err := mp3.NewReader(bytes.NewReader(raw)).Next()
				if err != nil {
					t.Fatalf("%+v: %v", like, err)
				}
				got, ok := mp3.ParseInfo(frame)
				if diff := cmp.Diff(want, got); !ok || diff != "" {
					t.Errorf("%+v: %v %s", like, ok, diff)
				}
			}
		}
	}
}

// TestInfoAgreesWithFFmpeg writes the header of frames that ffmpeg made and compares it with ffmpeg's own.
func TestInfoAgreesWithFFmpeg(t *testing.T) {
	raw := mediatest.Bytes(t, mediatest.Spec{Container: "mp3", Seconds: 20, Sound: mediatest.Speech, Extra: "-q:a 4 -id3v2_version 0"})
	reader := mp3.NewReader(bytes.NewReader(raw))
	first, err := reader.Next()
	if err != nil {
		t.Fatal(err)
	}
	theirs, ok := mp3.ParseInfo(first)
	if !ok {
		t.Fatal("ffmpeg wrote no header")
	}
	theirSize := len(first.Data)
	var meter mp3.Meter
	for frame, err := reader.Next(); err == nil; frame, err = reader.Next() {
		if err := meter.Add(frame); err != nil {
			t.Fatal(err)
		}
	}
	ours := meter.Info()
	ours.Bytes += uint32(theirSize - mp3.InfoHeader(meter.Header()).Size())
	if ours.VBR != theirs.VBR || ours.Frames != theirs.Frames || ours.Bytes != theirs.Bytes || ours.MusicCRC != theirs.MusicCRC {
		t.Errorf("ours %+v\ntheirs %+v", ours, theirs)
	}
	for i := range ours.TOC {
		if apart := int(ours.TOC[i]) - int(theirs.TOC[i]); apart < -3 || apart > 3 {
			t.Errorf("percent %d: ours %d, theirs %d", i, ours.TOC[i], theirs.TOC[i])
		}
	}
}

func TestPlayersHeedTheGap(t *testing.T) {
	raw := mediatest.Bytes(t, mediatest.Spec{Container: "mp3", Seconds: 1, Extra: "-write_xing 0 -id3v2_version 0"})
	var meter mp3.Meter
	reader := mp3.NewReader(bytes.NewReader(raw))
	for frame, err := reader.Next(); err == nil; frame, err = reader.Next() {
		if err := meter.Add(frame); err != nil {
			t.Fatal(err)
		}
	}
	info := meter.Info()
	info.Encoder, info.Delay = "LAME3.100", 576
	info.Padding = int(meter.Samples()) - 576 - 48000
	path := mediatest.File(t, "gapless.mp3", append(info.Frame(meter.Header()), raw...))
	if got := mediatest.Decode(t, path).Samples(); got != 48000 {
		t.Errorf("plays %d samples", got)
	}
}
