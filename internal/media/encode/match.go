package encode

import (
	"github.com/unreel/unreel/internal/media/mp3"
)

// agreement is how many frames in a row two encoders must have made the same before one takes over from the other.
// Frames of silence don't count: any two encoders make them the same, and differ again when there is sound.
const agreement = 32

// matcher compares the frames that an encoder makes behind its segment's end with those of the next segment.
// The crew's lock is held whenever it works.
type matcher struct {
	crew  *crew
	own   *segment
	next  *segment // the one that own is compared with; nil before own's end is reached
	frame int      // to be compared next, in the whole
	first int      // the first of the frames before it that were the same
	run   int      // how many of these have sound
}

// advance compares as far as own has frames. It returns where to join, once the segments agree.
func (m *matcher) advance() (*join, error) {
	if m.next == nil {
		m.frame = m.own.end // which comes nearer when another worker takes a part of the segment
	}
	for ; m.frame < m.own.start+len(m.own.units); m.frame++ {
		if m.frame == m.last().end {
			m.enter()
		}
		if ok, err := m.wait(); !ok || err != nil {
			return nil, err
		}
		if m.next.state == void {
			m.frame = m.next.end - 1
			continue
		}
		if !m.same() {
			m.first, m.run = m.frame+1, 0
			continue
		}
		if m.own.units[m.frame-m.own.start].Bits > 0 {
			m.run++
		}
		if m.run == agreement {
			return &join{next: m.next, frame: m.best()}, nil
		}
	}
	return nil, nil
}

// enter goes over to the next segment; nothing of the one before was of use.
func (m *matcher) enter() {
	if m.next != nil {
		m.crew.enter(m.next, void)
	}
	m.next = m.crew.plan.behind(m.last())
	m.first, m.run = m.frame, 0
}

// last is the segment whose end is reached next.
func (m *matcher) last() *segment {
	if m.next == nil {
		return m.own
	}
	return m.next
}

// wait waits for the other segment's frame, or to hear that the whole segment is void; false if neither will come,
// or own is void itself.
func (m *matcher) wait() (bool, error) {
	for {
		switch c := m.crew; {
		case c.failed != nil:
			return false, c.failed
		case m.own.state == void:
			return false, nil
		case m.frame-m.next.start < len(m.next.units), m.next.state == void:
			return true, nil
		case m.next.state == done:
			return false, nil // the sound ends soon: to its end own needs nobody
		}
		m.crew.change.Wait()
	}
}

// same tells whether either segment's frame may stand for the other's.
func (m *matcher) same() bool {
	alike := mp3.Units.Sounds
	if m.crew.config.Format.constant() {
		alike = mp3.Units.Same
	}
	return alike(m.own.units, m.frame-m.own.start, m.next.units, m.frame-m.next.start)
}

// best chooses among the frames that agree the first that finds room for its main data in front of it, or
// else the one that lacks least.
func (m *matcher) best() int {
	best, least := 0, 1<<30
	for frame := m.first + 1; frame <= m.frame; frame++ {
		lacking := m.next.units[frame-m.next.start].Begin - m.own.units[frame-1-m.own.start].Free
		if lacking <= 0 {
			return frame
		}
		if lacking < least {
			best, least = frame, lacking
		}
	}
	return best
}
