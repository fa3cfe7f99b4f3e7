package cli

import (
	"fmt"
	"io"
	"strings"
	"time"
)

const (
	meterWidth = 30                     // characters between the brackets
	meterPause = 100 * time.Millisecond // between two drawings
	maxLabel   = 38                     // characters: a line that wraps could not be drawn over
)

// meter is a progress bar. It draws only on a terminal.
type meter struct {
	out   io.Writer
	on    bool
	drawn time.Time
}

func newMeter(out io.Writer) *meter {
	_, on := terminal(out)
	return &meter{out: out, on: on}
}

// show draws how much is done, from 0 to 1.
func (m *meter) show(label string, share float64) {
	if !m.on || (share < 1 && time.Since(m.drawn) < meterPause) {
		return
	}
	m.drawn = time.Now()
	share = min(max(share, 0), 1)
	full := int(share * meterWidth)
	text := []rune(printable(label))
	fmt.Fprintf(m.out, "\r\x1b[K[%s%s] %3.0f %% %s",
		strings.Repeat("=", full), strings.Repeat(" ", meterWidth-full), share*100, string(text[:min(len(text), maxLabel)]))
}

// clear makes room for a line of text.
func (m *meter) clear() {
	if m.on && !m.drawn.IsZero() {
		fmt.Fprint(m.out, "\r\x1b[K")
		m.drawn = time.Time{}
	}
}

// metered shows the bytes that pass through it. Total is their sum, or less than 1 if nobody knows.
type metered struct {
	io.Reader
	meter *meter
	label string
	total int64
	done  int64
}

// Read reads and shows.
func (m *metered) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	m.done += int64(n)
	if m.total > 0 {
		m.meter.show(m.label, float64(m.done)/float64(m.total))
	}
	return n, err
}
