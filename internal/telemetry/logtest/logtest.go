// Package logtest keeps what is logged, for tests that look at it while more is.
package logtest

import (
	"bytes"
	"sync"
)

// Buffer keeps everything that is written to it. The zero value is ready; all methods may be called concurrently.
type Buffer struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

// Write implements io.Writer; it never fails.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.Write(p)
}

// String is what was written up to now.
func (b *Buffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.String()
}
