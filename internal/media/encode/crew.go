package encode

import (
	"bufio"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/unreel/unreel/internal/media/mp3"
)

// crew is what the workers of one run share. Segments are begun in their order, so that the one behind any that is
// being encoded has begun as well, or will with the next worker that is free. Once all have begun, a worker that is free
// takes half of what another one has left.
type crew struct {
	config Config
	plan   plan
	sound  *window
	out    *bufio.Writer

	mu      sync.Mutex
	change  sync.Cond  // of anything below
	next    *segment   // the first that has not begun
	busy    []*segment // those that an encoder is at, and needs their sound: even if one is void by now
	ended   bool       // there is no sound for another segment
	failed  error
	written *segment // the one whose frames are written next; nil: all are
	from    int      // its first frame that is, in the whole
}

func newCrew(config Config, plan plan, sound *window, out io.Writer) *crew {
	first := plan.segment(0)
	c := &crew{config: config, plan: plan, sound: sound, out: bufio.NewWriterSize(out, 64<<10), next: first, written: first}
	c.change.L = &c.mu
	return c
}

// work encodes one segment after the other.
func (c *crew) work() error {
	frames := newStream(c.config.Format, c.plan)
	for {
		s, err := c.begin()
		if s == nil || err != nil {
			return err
		}
		if err := c.encode(s, frames); err != nil {
			c.fail(err)
			return err
		}
		c.leave(s)
	}
}

// begin takes the next segment, or a part of another; nil if the sound has no more.
func (c *crew) begin() (*segment, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		s := c.next
		c.next = c.plan.behind(s)
		c.busy = append(c.busy, s)
		c.release()
		c.mu.Unlock()
		_, err := c.sound.at(s.need)
		c.mu.Lock()
		if !errors.Is(err, io.EOF) {
			return s, err
		}
		c.ended = true
		c.enter(s, void)
		c.dismiss(s)
	}
	return c.share(), nil
}

// share takes a part of the segment that has most left; nil if none is worth it.
func (c *crew) share() *segment {
	end := c.sound.length()
	var from *segment
	most := c.plan.worth - 1
	for _, s := range c.busy {
		if left := c.plan.left(s, end); s.state == open && left > most {
			from, most = s, left
		}
	}
	if from == nil {
		return nil
	}
	s := c.plan.split(from, most)
	c.busy = append(c.busy, s)
	return s
}

// leave says that a segment's encoder is through.
func (c *crew) leave(s *segment) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dismiss(s)
}

// dismiss takes a segment off those that an encoder is at.
func (c *crew) dismiss(s *segment) {
	at := slices.Index(c.busy, s)
	c.busy = slices.Delete(c.busy, at, at+1)
	c.release()
}

// encode makes a segment's frames, and goes on behind its end until the next one's are the same.
func (c *crew) encode(s *segment, frames *stream) error {
	encoder, err := c.config.Open(c.config.Format)
	if err != nil {
		return err
	}
	defer encoder.Close()
	frames.begin(encoder)
	match := &matcher{crew: c, own: s}
	for at := s.need; ; at++ {
		raw, err := c.sound.at(at)
		if errors.Is(err, io.EOF) {
			return c.flush(s, frames)
		}
		if err != nil {
			return err
		}
		units, err := frames.encode(raw)
		if err != nil {
			return err
		}
		if ended, err := c.add(match, units); ended || err != nil {
			return err
		}
	}
}

// add takes the frames that were made of a chunk, and tells whether the segment has ended.
func (c *crew) add(match *matcher, units mp3.Units) (ended bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := match.own
	s.units = append(s.units, units...)
	s.need++
	c.release()
	to, err := match.advance()
	switch {
	case err != nil:
		return true, err
	case s.state == void:
		return true, nil
	case to != nil:
		return true, c.end(s, *to)
	default:
		return false, nil
	}
}

// flush ends the MP3 with the sound.
func (c *crew) flush(s *segment, frames *stream) error {
	units, err := frames.flush()
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.units = append(s.units, units...)
	if s.state == void {
		return nil
	}
	return c.end(s, join{frame: s.start + len(s.units)})
}

// end ends a segment, and writes what is ready.
func (c *crew) end(s *segment, to join) error {
	s.join = to
	c.enter(s, done)
	for c.written != nil && c.written.state == done {
		if err := c.write(c.written); err != nil {
			return err
		}
	}
	return nil
}

func (c *crew) write(s *segment) error {
	head, next := s.units[c.from-s.start:s.join.frame-s.start], s.join.next
	if next != nil {
		if err := mp3.Join(head, next.units, s.join.frame-next.start); err != nil {
			return err
		}
	}
	if err := write(c.out, head); err != nil {
		return err
	}
	s.units = nil
	c.written, c.from = next, s.join.frame
	return nil
}

// enter changes a segment's state.
func (c *crew) enter(s *segment, now state) {
	s.state = now
	if now == void {
		s.units = nil
	}
	c.change.Broadcast()
}

// release drops the sound that nobody needs, and wakes who waits for a change.
func (c *crew) release() {
	first := c.next.need
	for _, s := range c.busy {
		first = min(first, s.need)
	}
	c.sound.release(first)
	c.change.Broadcast()
}

// fail ends all work; the first cause stays.
func (c *crew) fail(err error) {
	c.sound.fail(err)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed == nil {
		c.failed = err
	}
	c.change.Broadcast()
}
