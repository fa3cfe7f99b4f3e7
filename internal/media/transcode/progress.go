package transcode

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"time"
)

// report is one block of what ffmpeg's -progress writes.
type report struct {
	time time.Duration // how far the output is
	size int64         // of the output, bytes
}

// moved tells whether there was progress since the earlier report.
func (r report) moved(earlier report) bool {
	return r != earlier
}

// readReports calls each for every block, until the end.
func readReports(from io.Reader, each func(report)) {
	var now report
	for lines := bufio.NewScanner(from); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), "=")
		number, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		switch {
		case key == "progress":
			each(now)
		case err != nil: // N/A
		case key == "out_time_us":
			now.time = time.Duration(number) * time.Microsecond
		case key == "total_size":
			now.size = number
		}
	}
	_, _ = io.Copy(io.Discard, from) // a writer must never wait for a reader that has given up
}

// progressMeter makes one line from 0 to 1 of the phases of a run.
type progressMeter struct {
	notify func(Progress)
	begun  time.Time
	total  time.Duration
	from   float64 // the fraction at which the current phase begins
	share  float64 // of the whole, that the current phase takes
	last   Progress
}

func newProgressMeter(notify func(Progress)) *progressMeter {
	if notify == nil {
		notify = func(Progress) {}
	}
	return &progressMeter{notify: notify, begun: time.Now()}
}

// phase begins the next part of the run, which takes the given share of all the work.
func (m *progressMeter) phase(share float64) {
	m.from += m.share
	m.share = share
}

// at tells how much of the sound the current phase has done.
func (m *progressMeter) at(done time.Duration) {
	now := Progress{Done: max(done, 0), Total: m.total, Fraction: m.from}
	if m.total > 0 {
		now.Done = min(now.Done, m.total)
		now.Fraction += m.share * now.Done.Seconds() / m.total.Seconds()
	}
	if elapsed := time.Since(m.begun).Seconds(); elapsed > 0 {
		now.Speed = now.Done.Seconds() / elapsed
	}
	now.Fraction = min(max(now.Fraction, m.last.Fraction), 1)
	m.last = now
	m.notify(now)
}

// end tells that all is done.
func (m *progressMeter) end(length time.Duration) {
	m.total, m.from, m.share = length, 1, 0
	m.at(length)
}
