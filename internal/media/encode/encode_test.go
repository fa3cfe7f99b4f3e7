package encode_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/unreel/unreel/internal/media/encode"
	"github.com/unreel/unreel/internal/media/mp3"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// toy is an encoder whose frames are easy to foretell: mono, MPEG-1 at 48 kHz and 32 kbit/s, the main data of each a
// checksum of its samples. Like a real one it needs to hear some frames before it makes the same as another:
// until then its frames depend on where it began. It is two frames late.
type toy struct {
	cold    int // frames that it needs
	late    [][]float32
	pending []float32
	frames  int
	first   float32
	fail    int // the frame at which it breaks; 0: none
}

const toyFrame = 1152

var toyFormat = encode.Format{Rate: 48000, Channels: 1, Bitrate: 32}

var errToy = errors.New("the toy is broken")

func (e *toy) Encode(out []byte, left, _ []float32) ([]byte, error) {
	if e.frames == 0 && len(e.late) == 0 && len(e.pending) == 0 {
		e.first = left[0]
	}
	e.pending = append(e.pending, left...)
	for len(e.pending) >= toyFrame {
		e.late = append(e.late, copied(e.pending[:toyFrame]))
		e.pending = e.pending[toyFrame:]
		if len(e.late) > 2 {
			out = append(out, e.frame(e.late[0])...)
			e.late = e.late[1:]
		}
	}
	if e.fail > 0 && e.frames >= e.fail {
		return out, errToy
	}
	return out, nil
}

func copied(samples []float32) []float32 { return append([]float32(nil), samples...) }

func (e *toy) Flush(out []byte) ([]byte, error) {
	for _, samples := range append(e.late, e.pending) {
		out = append(out, e.frame(samples)...)
	}
	return out, nil
}

func (e *toy) Close() {}

func (e *toy) frame(samples []float32) []byte {
	header := mp3.Header{Version: mp3.MPEG1, BitrateIndex: 1, RateIndex: 1, Mode: mp3.Mono, Original: true}
	frame := make([]byte, header.Size())
	head := header.Bytes()
	copy(frame, head[:])
	const side, main, bits = 4, 4 + 17, 64
	frame[side+2] = bits >> 6 // part2_3_length of the first granule begins at bit 18
	frame[side+3] = bits << 2 & 0xFF
	var sum uint64
	silent := true
	for _, s := range samples {
		sum = sum*31 + uint64(math.Float32bits(s))
		silent = silent && s == 0
	}
	if silent {
		frame[side+2], frame[side+3] = 0, 0
	} else {
		binary.BigEndian.PutUint64(frame[main:], sum)
	}
	if e.frames < e.cold && !silent {
		frame[main] ^= byte(math.Float32bits(e.first)>>8) | 1
	}
	e.frames++
	return frame
}

// ramp is sound in which no two frames are the same but where it is silent.
func ramp(samples int, silence func(i int) bool) []byte {
	raw := make([]byte, 0, 4*samples)
	for i := range samples {
		value := float32(i%65521)/65521 + 1e-4
		if silence != nil && silence(i) {
			value = 0
		}
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(value))
	}
	return raw
}

func encodeToy(t interface {
	Helper()
	Fatal(...any)
}, pcm []byte, cold, workers int, segment float64,
) []byte {
	t.Helper()
	var out bytes.Buffer
	err := encode.Run(context.Background(), encode.Config{
		Format: toyFormat, Workers: workers, Segment: segment,
		Open: func(encode.Format) (encode.Encoder, error) { return &toy{cold: cold}, nil },
	}, bytes.NewReader(pcm), &out)
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestAnyCutIsTheSame holds against one encoder what any number of them make, however the sound is cut, and however
// long they take to agree: from at once to never.
func TestAnyCutIsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		samples := rapid.IntRange(0, 900*toyFrame).Draw(t, "samples")
		from := rapid.IntRange(0, samples).Draw(t, "silent from")
		to := rapid.IntRange(from, samples).Draw(t, "silent to")
		pcm := ramp(samples, func(i int) bool { return i >= from && i < to })
		cold := rapid.SampledFrom([]int{0, 1, 10, 40, 100, 300, 100_000}).Draw(t, "cold")
		workers := rapid.IntRange(2, 8).Draw(t, "workers")
		segment := rapid.Float64Range(0.5, 6).Draw(t, "segment")
		want := encodeToy(t, pcm, cold, 1, 0)
		if got := encodeToy(t, pcm, cold, workers, segment); !bytes.Equal(got, want) {
			t.Fatalf("%d bytes that differ from the %d of one encoder", len(got), len(want))
		}
	})
}

func TestNoSound(t *testing.T) {
	if got := encodeToy(t, nil, 10, 4, 1); len(got) != 0 {
		t.Errorf("made %d bytes of nothing", len(got))
	}
}

func TestFailures(t *testing.T) {
	long := ramp(600*toyFrame, nil)
	full := errors.New("no space left")
	broken := errors.New("cannot read")
	tests := map[string]struct {
		pcm  io.Reader
		out  io.Writer
		fail int
		want error
	}{
		"encoder": {bytes.NewReader(long), io.Discard, 60, errToy},
		"sink":    {bytes.NewReader(long), sink{full}, 0, full},
		"source":  {io.MultiReader(bytes.NewReader(long), source{broken}), io.Discard, 0, broken},
	}
	for name, test := range tests {
		err := encode.Run(t.Context(), encode.Config{
			Format: toyFormat, Workers: 3, Segment: 2,
			Open: func(encode.Format) (encode.Encoder, error) { return &toy{cold: 50, fail: test.fail}, nil },
		}, test.pcm, test.out)
		if !errors.Is(err, test.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

type sink struct{ err error }

func (s sink) Write([]byte) (int, error) { return 0, s.err }

type source struct{ err error }

func (s source) Read([]byte) (int, error) { return 0, s.err }

// TestCancel ends while everybody waits for sound that does not come.
func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	read, write := io.Pipe()
	gone := errors.New("the owner is gone")
	go func() {
		_, _ = write.Write(ramp(300*toyFrame, nil))
		cancel(gone)
		_ = write.CloseWithError(io.ErrUnexpectedEOF)
	}()
	err := encode.Run(ctx, encode.Config{
		Format: toyFormat, Workers: 4, Segment: 1,
		Open: func(encode.Format) (encode.Encoder, error) { return &toy{cold: 10}, nil },
	}, read, io.Discard)
	if !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
}

func TestValidate(t *testing.T) {
	for _, format := range []encode.Format{
		{}, {Rate: 44100, Channels: 3}, {Rate: 96000, Channels: 2}, {Rate: 44100, Channels: 2, Bitrate: 1000}, {Rate: 44100, Channels: 2, VBR: 10},
	} {
		if format.Validate() == nil {
			t.Errorf("%+v is valid", format)
		}
	}
}
