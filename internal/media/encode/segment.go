package encode

import "github.com/unreel/unreel/internal/media/mp3"

// segment is the work of one encoder. The crew guards it.
type segment struct {
	start int       // its first frame, in the whole
	end   int       // the first frame behind it
	next  *segment  // the one behind it; nil: not planned yet
	need  int       // the chunk that its encoder takes next
	units mp3.Units // what is made so far
	state state
	join  join // where its frames end, once it is done
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
	next  *segment // the other one; nil: none, the sound ends here
	frame int      // the first frame that is the other's, in the whole
}

// segment plans one that begins with chunk from.
func (p plan) segment(from int) *segment {
	return &segment{start: from * p.chunk, end: (from + p.length) * p.chunk, need: from}
}

// behind returns the segment behind s.
func (p plan) behind(s *segment) *segment {
	if s.next == nil {
		s.next = p.segment(s.end / p.chunk)
	}
	return s.next
}

// left is how many chunks of sound that ends with chunk end the segment's encoder has before it.
func (p plan) left(s *segment, end int) int {
	return min(s.end/p.chunk, end) - s.need
}

// split cuts what is left of a segment in two and returns the second part. The first is shorter: its encoder goes on behind
// its end until the two agree.
func (p plan) split(s *segment, left int) *segment {
	const overlap = 3
	cut := s.need + max(leastSplit/2, (left-overlap)/2)
	other := &segment{start: cut * p.chunk, end: s.end, next: s.next, need: cut}
	s.end, s.next = other.start, other
	return other
}
