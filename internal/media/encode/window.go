package encode

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

// window is the part of the sound that encoders still need, as it was read: from where the first of them is to as far as is
// decoded. It is a ring of chunks.
type window struct {
	memory []byte
	size   int // of a chunk in bytes
	most   int // chunks that there is room for

	mu     sync.Mutex
	change sync.Cond
	first  int   // the first chunk that is kept
	end    int   // the first that has not been read
	last   int   // bytes of the chunk before it
	err    error // io.EOF once the sound has ended
}

// newWindow makes a window of so many chunks of size bytes each. close gives the memory back.
func newWindow(size, most int) (*window, error) {
	memory, err := allocate(size * most)
	if err != nil {
		return nil, fmt.Errorf("keep %d bytes of sound: %w", size*most, err)
	}
	w := &window{memory: memory, size: size, most: most}
	w.change.L = &w.mu
	return w, nil
}

// close must come after the last use of any chunk.
func (w *window) close() { free(w.memory) }

// place is where chunk i is kept.
func (w *window) place(i int) []byte {
	at := i % w.most * w.size
	return w.memory[at : at+w.size]
}

// fill reads the sound to its end; half a sample there is none.
func (w *window) fill(pcm io.Reader, sample int) error {
	for w.room() {
		n, err := io.ReadFull(pcm, w.place(w.end))
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		if n -= n % sample; n > 0 {
			w.add(n)
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
	return nil // somebody else has failed
}

// room waits for the place of the next chunk; false if the sound is not wanted any more.
func (w *window) room() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.end-w.first >= w.most && w.err == nil {
		w.change.Wait()
	}
	return w.err == nil
}

// add says that so many bytes of the next chunk are there.
func (w *window) add(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.end, w.last = w.end+1, n
	w.change.Broadcast()
}

// at returns chunk i, which must not have been released, once it is there; io.EOF behind the last one.
func (w *window) at(i int) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i >= w.end {
		if w.err != nil {
			return nil, w.err
		}
		w.change.Wait()
	}
	if i == w.end-1 {
		return w.place(i)[:w.last], nil
	}
	return w.place(i), nil
}

// release says that nobody needs what is before chunk i.
func (w *window) release(i int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if i > w.first {
		w.first = i
		w.change.Broadcast()
	}
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
