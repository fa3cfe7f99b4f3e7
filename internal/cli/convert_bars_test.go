package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/media/transcode"
)

func TestBarsFitTheScreen(t *testing.T) {
	bar := convertBar{file: "/videos/" + strings.Repeat("ü", 200) + "\x1b[2J.mp4", now: transcode.Progress{Fraction: 0.5, Speed: 40}}
	for _, width := range []int{1, 20, 80, 500} {
		line := bar.line(width)
		if got := len([]rune(line)); got >= max(width, 1) || strings.ContainsRune(line, '\x1b') {
			t.Errorf("%d columns: %d characters: %q", width, got, line)
		}
	}
}

func TestBarsAreDrawnOverThemselves(t *testing.T) {
	var screen strings.Builder
	bars := &convertBars{out: &screen, width: func() int { return 60 }}
	bars.add("a.mp4")
	bars.add("b.mp4")
	bars.when = time.Time{}
	bars.set("b.mp4", transcode.Progress{Fraction: 0.5})
	bars.remove("a.mp4")
	bars.draw()
	bars.remove("b.mp4")
	bars.draw()
	empty, half := strings.Repeat(" ", 30), strings.Repeat("=", 15)+strings.Repeat(" ", 15)
	want := "\x1b[K[" + empty + "]   0 % a.mp4\n\x1b[J" +
		"\x1b[1A\x1b[K[" + empty + "]   0 % a.mp4\n\x1b[K[" + empty + "]   0 % b.mp4\n\x1b[J" +
		"\x1b[2A\x1b[K[" + empty + "]   0 % a.mp4\n\x1b[K[" + half + "]  50 % b.mp4\n\x1b[J" +
		"\x1b[2A\x1b[J" + "\x1b[K[" + half + "]  50 % b.mp4\n\x1b[J" +
		"\x1b[1A\x1b[J" + "\x1b[J"
	if diff := cmp.Diff(want, screen.String()); diff != "" {
		t.Error(diff)
	}
}
