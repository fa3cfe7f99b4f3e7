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
// being encoded has begun as well, or will with the next worker that is free.
type crew struct {
	config Config
	plan   plan
	sound  *window
	out    *bufio.Writer

	mu       sync.Mutex
	change   sync.Cond // of anything below
	segments []*segment
	begun    int  // how many of them were taken by a worker
	ended    bool // there is no sound for another one
	failed   error
	written  int // the segment whose frames are written next; negative: all are
	from     int // its first frame that is, in the whole
}

// segment is the work of one encoder. The crew guards it.
type segment struct {
	number int
	start  int       // its first frame, in the whole
	end    int       // the first frame behind it
	need   int       // the chunk that its encoder takes next
	units  mp3.Units // what is made so far
	busy   bool      // an encoder is at it, and needs its sound: even if the segment is void by now
	state  state
	join   join // where its frames end, once it is done
}

// state is what becomes of a segment's frames.
type state int

const (
	open state = iota // there may be more
	done
	void // the encoder before has gone on through the whole segment, they are not wanted
)

// join is where one segment's frames go over to another's.
type join struct {
	next  int // the other segment; negative: none, the sound ends here
	frame int // the first frame that is the other's, in the whole
}

func newCrew(config Config, plan plan, sound *window, out io.Writer) *crew {
	c := &crew{config: config, plan: plan, sound: sound, out: bufio.NewWriterSize(out, 64<<10)}
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

// leave says that a segment's encoder is through.
func (c *crew) leave(s *segment) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.busy = false
	c.release()
}

// begin takes the next segment; nil if the sound has no more.
func (c *crew) begin() (*segment, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return nil, nil
	}
	s := c.segment(c.begun)
	c.begun++
	s.busy = true
	c.release()
	c.mu.Unlock()
	_, err := c.sound.at(s.need)
	c.mu.Lock()
	if !errors.Is(err, io.EOF) {
		return s, err
	}
	c.ended, s.busy = true, false
	c.enter(s, void)
	return nil, nil
}

// encode makes a segment's frames, and goes on behind its end until the next one's are the same.
func (c *crew) encode(s *segment, frames *stream) error {
	encoder, err := c.config.Open(c.config.Format)
	if err != nil {
		return err
	}
	defer encoder.Close()
	frames.begin(encoder)
	match := &matcher{crew: c, own: s, frame: s.end}
	for at := s.need; ; at++ {
		raw, err := c.sound.at(at)
		if errors.Is(err, io.EOF) {
			return c.flush(s, frames)
		}
		if err != nil {
			return err
		}
		for part := range slices.Chunk(raw, c.part(s, at)) {
			units, err := frames.encode(part)
			if err != nil {
				return err
			}
			if ended, err := c.add(match, units); ended || err != nil {
				return err
			}
		}
		c.passed(s)
	}
}

// part is how many bytes of a chunk to encode in one call: behind the segment's end few, because they may be enough.
func (c *crew) part(s *segment, at int) int {
	if at < c.plan.start(s.number+1) {
		return c.sound.size
	}
	return c.sound.size / c.plan.chunk
}

// passed says that a segment's encoder needs the next chunk.
func (c *crew) passed(s *segment) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.need++
	c.release()
}

// add takes frames that were made, and tells whether the segment has ended.
func (c *crew) add(match *matcher, units mp3.Units) (ended bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := match.own
	s.units = append(s.units, units...)
	c.change.Broadcast()
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
	return c.end(s, join{next: -1, frame: s.start + len(s.units)})
}

// end ends a segment, and writes what is ready.
func (c *crew) end(s *segment, to join) error {
	s.join = to
	c.enter(s, done)
	for c.written >= 0 && c.segments[c.written].state == done {
		if err := c.write(c.segments[c.written]); err != nil {
			return err
		}
	}
	return nil
}

func (c *crew) write(s *segment) error {
	head := s.units[c.from-s.start : s.join.frame-s.start]
	if s.join.next >= 0 {
		next := c.segments[s.join.next]
		if err := mp3.Join(head, next.units, s.join.frame-next.start); err != nil {
			return err
		}
	}
	if err := write(c.out, head); err != nil {
		return err
	}
	s.units = nil
	c.written, c.from = s.join.next, s.join.frame
	return nil
}

// enter changes a segment's state.
func (c *crew) enter(s *segment, now state) {
	s.state = now
	if now == void {
		s.units = nil
	}
	c.release()
}

// release drops the sound that nobody needs, and wakes who waits for a change.
func (c *crew) release() {
	first := c.segment(c.begun).need
	for _, s := range c.segments[:c.begun] {
		if s.busy {
			first = min(first, s.need)
		}
	}
	c.sound.release(first)
	c.change.Broadcast()
}

// segment returns a segment, which may not have begun.
func (c *crew) segment(number int) *segment {
	for n := len(c.segments); n <= number; n++ {
		from, to, frames := c.plan.start(n), c.plan.start(n+1), c.plan.chunk*c.plan.step
		c.segments = append(c.segments, &segment{number: n, start: from * frames, end: to * frames, need: from})
	}
	return c.segments[number]
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
