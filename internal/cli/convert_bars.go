package cli

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/unreel/unreel/internal/media/transcode"
)

// convertBars are the progress bars of the files that are being converted, one a line. They are drawn only
// on a terminal.
type convertBars struct {
	out   io.Writer
	width func() int // of the terminal; nil: there is none
	lines []convertBar
	drawn int // lines on the screen
	when  time.Time
}

type convertBar struct {
	file string
	now  transcode.Progress
}

func newConvertBars(out io.Writer) *convertBars {
	b := &convertBars{out: out}
	if file, ok := terminal(out); ok {
		b.width = func() int {
			width, _, err := term.GetSize(int(file.Fd()))
			if err != nil || width <= 0 {
				return 80
			}
			return width
		}
	}
	return b
}

func (b *convertBars) add(file string) {
	b.lines = append(b.lines, convertBar{file: file})
	b.draw()
}

func (b *convertBars) set(file string, now transcode.Progress) {
	for i := range b.lines {
		if b.lines[i].file == file {
			b.lines[i].now = now
		}
	}
	if time.Since(b.when) >= meterPause {
		b.draw()
	}
}

// remove takes a bar away and all of them off the screen, to make room for a line of text.
func (b *convertBars) remove(file string) {
	b.clear()
	for i := range b.lines {
		if b.lines[i].file == file {
			b.lines = append(b.lines[:i], b.lines[i+1:]...)
			return
		}
	}
}

func (b *convertBars) clear() {
	if b.drawn > 0 {
		fmt.Fprintf(b.out, "\x1b[%dA\x1b[J", b.drawn)
		b.drawn = 0
	}
}

func (b *convertBars) draw() {
	if b.width == nil {
		return
	}
	width := b.width()
	text := &strings.Builder{}
	if b.drawn > 0 {
		fmt.Fprintf(text, "\x1b[%dA", b.drawn)
	}
	for _, bar := range b.lines {
		fmt.Fprintf(text, "\x1b[K%s\n", bar.line(width))
	}
	text.WriteString("\x1b[J")
	b.drawn, b.when = len(b.lines), time.Now()
	_, _ = io.WriteString(b.out, text.String()) // a screen that is gone needs no bars
}

// line is a bar no wider than the screen: a line that wraps could not be drawn over.
func (b convertBar) line(width int) string {
	full := int(b.now.Fraction * meterWidth)
	text := fmt.Sprintf("[%s%s] %3.0f %% %s", strings.Repeat("=", full), strings.Repeat(" ", meterWidth-full),
		b.now.Fraction*100, printable(filepath.Base(b.file)))
	if b.now.Speed > 0 {
		text += fmt.Sprintf(" (%.0fx)", b.now.Speed)
	}
	runes := []rune(text)
	return string(runes[:min(len(runes), max(width-1, 0))])
}
