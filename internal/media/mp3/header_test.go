package mp3_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/media/mp3"
)

func TestParseHeader(t *testing.T) {
	tests := []struct {
		name                             string
		raw                              []byte
		rate, bitrate, size, samples, ch int
	}{
		{"MPEG-1 128 stereo", []byte{0xFF, 0xFB, 0x90, 0x00}, 44100, 128000, 417, 1152, 2},
		{"MPEG-1 128 padded joint", []byte{0xFF, 0xFB, 0x92, 0x64}, 44100, 128000, 418, 1152, 2},
		{"MPEG-1 320 48k mono", []byte{0xFF, 0xFB, 0xE4, 0xC4}, 48000, 320000, 960, 1152, 1},
		{"MPEG-2 64 22.05k", []byte{0xFF, 0xF3, 0x80, 0x00}, 22050, 64000, 208, 576, 2},
		{"MPEG-2.5 24 8k mono", []byte{0xFF, 0xE3, 0x38, 0xC0}, 8000, 24000, 216, 576, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h, err := mp3.ParseHeader(test.raw)
			if err != nil {
				t.Fatal(err)
			}
			got := []int{h.SampleRate(), h.Bitrate(), h.Size(), h.Samples(), h.Channels()}
			want := []int{test.rate, test.bitrate, test.size, test.samples, test.ch}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			raw := h.Bytes()
			if diff := cmp.Diff(test.raw, raw[:]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseHeaderRefuses(t *testing.T) {
	for name, raw := range map[string][]byte{
		"short":            {0xFF, 0xFB, 0x90},
		"no sync":          {0xFF, 0x1B, 0x90, 0x00},
		"reserved version": {0xFF, 0xEB, 0x90, 0x00},
		"layer II":         {0xFF, 0xFD, 0x90, 0x00},
		"AAC":              {0xFF, 0xF1, 0x50, 0x80},
		"free format":      {0xFF, 0xFB, 0x00, 0x00},
		"bad bitrate":      {0xFF, 0xFB, 0xF0, 0x00},
		"reserved rate":    {0xFF, 0xFB, 0x9C, 0x00},
	} {
		if _, err := mp3.ParseHeader(raw); !errors.Is(err, mp3.ErrCorrupt) {
			t.Errorf("%s: got %v, want ErrCorrupt", name, err)
		}
	}
}

func TestLongestFrame(t *testing.T) {
	longest := 0
	for bits := range 1 << 16 {
		h, err := mp3.ParseHeader([]byte{0xFF, 0xE0 | byte(bits>>11&0x1F), byte(bits >> 3), byte(bits << 5)})
		if err == nil {
			longest = max(longest, h.Size())
		}
	}
	if longest != mp3.MaxFrameSize {
		t.Errorf("the longest frame has %d bytes, MaxFrameSize is %d", longest, mp3.MaxFrameSize)
	}
}

func TestBitrates(t *testing.T) {
	for rate, top := range map[int]int{8000: 64, 16000: 160, 44100: 320, 96000: 0} {
		rates := mp3.Bitrates(rate)
		if top == 0 && rates != nil || top > 0 && rates[len(rates)-1] != top {
			t.Errorf("%d Hz: %v", rate, rates)
		}
	}
}
