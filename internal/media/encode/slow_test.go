package encode_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/media/encode"
)

// dawdler takes its time now and then.
type dawdler struct{ toy }

func (e *dawdler) Encode(out []byte, left, right []float32) ([]byte, error) {
	for range rand.IntN(200) {
		runtime.Gosched()
	}
	return e.toy.Encode(out, left, right)
}

// TestUnwantedEncoders has each encoder go on through the next one's segment while that one is still at work: its sound must
// stay until it has noticed.
func TestUnwantedEncoders(t *testing.T) {
	pcm := ramp(700*toyFrame, nil)
	want := encodeToy(t, pcm, 100_000, 1, 0)
	for range 60 {
		var out bytes.Buffer
		err := encode.Run(t.Context(), encode.Config{
			Format: toyFormat, Workers: 4, Segment: 0.5,
			Open: func(encode.Format) (encode.Encoder, error) { return &dawdler{toy{cold: 100_000}}, nil },
		}, bytes.NewReader(pcm), &out)
		if err != nil || !bytes.Equal(out.Bytes(), want) {
			t.Fatalf("%d bytes, want %d: %v", out.Len(), len(want), err)
		}
	}
}

// laggard stops in the middle of the first segment until another encoder has begun behind that.
type laggard struct {
	toy
	begin float32 // the sound's first sample
	taken <-chan struct{}
}

func (e *laggard) Encode(out []byte, left, right []float32) ([]byte, error) {
	if e.first == e.begin && e.frames > 600 {
		select {
		case <-e.taken:
		case <-time.After(time.Minute):
			return nil, errToy
		}
	}
	return e.toy.Encode(out, left, right)
}

// TestFreeWorkerTakesHalf has one of two workers fall behind: the other, which is through, shares its segment.
func TestFreeWorkerTakesHalf(t *testing.T) {
	const frames = 2400
	pcm := ramp(frames*toyFrame, nil)
	want := encodeToy(t, pcm, 30, 1, 0)
	var opened atomic.Int32
	begin := math.Float32frombits(binary.LittleEndian.Uint32(pcm)) * 32768
	taken := make(chan struct{})
	var out bytes.Buffer
	err := encode.Run(t.Context(), encode.Config{
		Format: toyFormat, Workers: 2, Samples: frames * toyFrame,
		Open: func(encode.Format) (encode.Encoder, error) {
			if opened.Add(1) == 3 { // one for each half came before
				close(taken)
			}
			return &laggard{toy{cold: 30}, begin, taken}, nil
		},
	}, bytes.NewReader(pcm), &out)
	if err != nil || !bytes.Equal(out.Bytes(), want) {
		t.Errorf("%d bytes, want %d: %v", out.Len(), len(want), err)
	}
}
