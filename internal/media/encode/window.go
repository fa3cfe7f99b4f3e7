package encode

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
)

// chunk is a piece of the sound, a slice a channel.
type chunk [2][]float32

// split cuts a chunk into pieces of size samples; the last may be shorter.
func (c chunk) split(size int) (pieces []chunk) {
	for from := 0; from < len(c[0]); from += size {
		var piece chunk
		for i, side := range c {
			if side != nil {
				piece[i] = side[from:min(from+size, len(side))]
			}
		}
		pieces = append(pieces, piece)
	}
	return pieces
}

// window is the part of the sound that encoders still need: from where the first of them is to as far as is decoded.
type window struct {
	channels, size, most int // size in samples of each channel, most in chunks

	mu     sync.Mutex
	change sync.Cond
	first  int // number of chunks[0]
	chunks []chunk
	spare  []chunk
	err    error // io.EOF once the sound has ended
}

func newWindow(channels, size, most int) *window {
	w := &window{channels: channels, size: size, most: most}
	w.change.L = &w.mu
	return w
}

// fill reads the sound to its end.
func (w *window) fill(pcm io.Reader) error {
	in := bufio.NewReaderSize(pcm, 1<<20)
	raw := make([]byte, w.size*w.channels*4)
	for {
		n, err := io.ReadFull(in, raw)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			n -= n % (w.channels * 4) // half a sample is none
			err = io.EOF
		}
		if n > 0 && !w.put(raw[:n]) {
			return nil // somebody else has failed
		}
		if errors.Is(err, io.EOF) {
			w.fail(io.EOF)
			return nil
		}
		if err != nil {
			err = fmt.Errorf("read sound: %w", err)
			w.fail(err)
			return err
		}
	}
}

// put waits for room; false if the sound is not wanted any more.
func (w *window) put(raw []byte) bool {
	w.mu.Lock()
	for len(w.chunks) >= w.most && w.err == nil {
		w.change.Wait()
	}
	fresh := w.take()
	failed := w.err != nil
	w.mu.Unlock()
	if failed {
		return false
	}
	fresh.fill(raw, w.channels)
	w.mu.Lock()
	w.chunks = append(w.chunks, fresh)
	w.change.Broadcast()
	w.mu.Unlock()
	return true
}

// take reuses the memory of a chunk that nobody needs.
func (w *window) take() (c chunk) {
	if n := len(w.spare); n > 0 {
		c, w.spare = w.spare[n-1], w.spare[:n-1]
		return c
	}
	for i := range w.channels {
		c[i] = make([]float32, w.size)
	}
	return c
}

// loudest is where samples are clipped, in units of full scale. LAME aborts on what is beyond all reason; what
// an overdriven recording has must pass.
const loudest = 8

// fill takes interleaved samples; there is room.
func (c *chunk) fill(raw []byte, channels int) {
	stride := 4 * channels
	samples := len(raw) / stride
	sides := c[:channels]
	for i := range sides {
		side := sides[i][:samples]
		for j := range side {
			side[j] = scale(math.Float32frombits(binary.LittleEndian.Uint32(raw[j*stride+4*i:])))
		}
		sides[i] = side
	}
}

// scale makes of a sample what LAME takes, and what ffmpeg gives it.
func scale(sample float32) float32 {
	if sample > -loudest && sample < loudest {
		return sample * 32768
	}
	return tame(sample) * 32768
}

// tame is for what is out of bounds, or no number.
func tame(sample float32) float32 {
	switch {
	case sample >= loudest:
		return loudest
	case sample <= -loudest:
		return -loudest
	default:
		return 0
	}
}

// at returns chunk i, which must not have been released, once it is there; io.EOF behind the last one.
func (w *window) at(i int) (chunk, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		switch {
		case i-w.first < len(w.chunks):
			return w.chunks[i-w.first], nil
		case w.err != nil:
			return chunk{}, w.err
		}
		w.change.Wait()
	}
}

// release says that nobody needs what is before chunk i.
func (w *window) release(i int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := min(i-w.first, len(w.chunks))
	if n <= 0 {
		return
	}
	w.spare = append(w.spare, w.chunks[:n]...)
	w.chunks = append(w.chunks[:0], w.chunks[n:]...)
	w.first += n
	w.change.Broadcast()
}

// fail ends the sound; the first cause stays.
func (w *window) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil || errors.Is(w.err, io.EOF) && !errors.Is(err, io.EOF) {
		w.err = err
	}
	w.change.Broadcast()
}
