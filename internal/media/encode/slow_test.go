package encode_test

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"testing"

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
