package encode

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

// window is the part of the sound that encoders still need, in chunks: from where the first of them is to as far as the
// last has come. Whoever needs sound that is not there yet reads it: a goroutine that does nothing else would only
// have to be woken for it.
type window struct {
	pcm    io.Reader
	sample int // bytes of one of all channels
	size   int // of a chunk in bytes
	most   int // chunks that there is room for
	memory []byte

	mu      sync.Mutex
	change  sync.Cond
	chunks  [][]byte
	first   int      // the first of them, in the whole
	free    [][]byte // places of chunks that were released
	unused  []byte   // memory that never was a place: the system provides it when it is first used, which takes time
	reading bool     // somebody is
	err     error    // io.EOF once the sound has ended
}

// newWindow makes a window of so many chunks of size bytes each; half a sample there is none. close gives the
// memory back.
func newWindow(pcm io.Reader, sample, size, most int) (*window, error) {
	memory, err := allocate(size * most)
	if err != nil {
		return nil, fmt.Errorf("keep %d bytes of sound: %w", size*most, err)
	}
	w := &window{pcm: pcm, sample: sample, size: size, most: most, memory: memory, unused: memory}
	w.change.L = &w.mu
	return w, nil
}

// close must come after the last use of any chunk.
func (w *window) close() { free(w.memory) }

// at returns chunk i, which must not have been released, once it is there; io.EOF behind the last one.
func (w *window) at(i int) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i >= w.end() {
		switch {
		case w.err != nil:
			return nil, w.err
		case w.reading, len(w.chunks) == w.most:
			w.change.Wait()
		default:
			w.read()
		}
	}
	return w.chunks[i-w.first], nil
}

// read reads the next chunk. The lock is held, but not while it waits for the sound.
func (w *window) read() {
	place := w.place()
	w.reading = true
	w.mu.Unlock()
	n, err := io.ReadFull(w.pcm, place)
	w.mu.Lock()
	w.reading = false
	if n -= n % w.sample; n > 0 {
		w.chunks = append(w.chunks, place[:n])
	}
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		w.stop(io.EOF)
	case err != nil:
		w.stop(fmt.Errorf("read sound: %w", err))
	}
	w.change.Broadcast()
}

// place is memory for a chunk; there is some.
func (w *window) place() []byte {
	if last := len(w.free) - 1; last >= 0 {
		place := w.free[last]
		w.free = w.free[:last]
		return place
	}
	place := w.unused[:w.size:w.size]
	w.unused = w.unused[w.size:]
	return place
}

// end is the first chunk that has not been read: none will be, once the sound has ended.
func (w *window) end() int { return w.first + len(w.chunks) }

// length is how many chunks there are, in the whole, of sound that has ended.
func (w *window) length() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.end()
}

// release says that nobody needs what is before chunk i.
func (w *window) release(i int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if i <= w.first {
		return // another encoder is the first, as for all but one it is each time
	}
	for ; w.first < i && len(w.chunks) > 0; w.first++ {
		w.free = append(w.free, w.chunks[0][:w.size])
		w.chunks = w.chunks[1:]
	}
	w.change.Broadcast()
}

// fail ends the sound; the first cause stays.
func (w *window) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stop(err)
	w.change.Broadcast()
}

func (w *window) stop(err error) {
	if w.err == nil || errors.Is(w.err, io.EOF) && !errors.Is(err, io.EOF) {
		w.err = err
	}
}
