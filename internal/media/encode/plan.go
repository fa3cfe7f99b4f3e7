package encode

import "math"

// plan is where the sound is cut.
type plan struct {
	chunk  int // frames that are read, and encoded in one call
	length int // of a segment in chunks
	worth  int // how many chunks of a segment must be left for two encoders to be through sooner than one
	ahead  int // chunks that are kept at most
}

const (
	// chunkFrames is short enough that an encoder which goes on behind its segment's end can stop soon, and long enough
	// for a call to cost nothing.
	chunkFrames = 24
	// shortest and longest are the bounds of a segment in seconds. A segment costs a second or two of sound that
	// is encoded twice; all workers' segments are kept in memory.
	shortest, longest = 8.0, 60.0
	// budget is how much sound all workers together may keep, in seconds.
	budget = 240.0
	// spare is how many chunks more are kept, so that nobody waits for those that are being read.
	spare = 2
	// leastSplit is the least number of chunks that can be split: one is being encoded, the next may be soon.
	leastSplit = 4
)

func newPlan(config Config) plan {
	workers := config.Workers
	period := config.Format.period()
	p := plan{chunk: period * ((chunkFrames + period - 1) / period), ahead: spare}
	if workers <= 1 {
		return p
	}
	p.length = p.chunks(config.segment(workers), config.Format)
	p.worth = max(leastSplit, min(p.length, p.chunks(shortest, config.Format)))
	p.ahead += p.length*(workers-1) + p.length/2
	return p
}

// segment is the length of a segment in seconds. Of sound whose length is known all workers get the same.
func (c Config) segment(workers int) float64 {
	most := max(shortest, min(longest, budget/float64(workers)))
	switch {
	case c.Segment > 0:
		return c.Segment
	case c.Samples > 0:
		share := float64(c.Samples) / float64(c.Format.Rate) / float64(workers)
		return max(shortest, share/math.Ceil(share/most))
	default:
		return most / 2
	}
}

// chunks is how many chunks hold so many seconds.
func (p plan) chunks(seconds float64, format Format) int {
	return int(math.Ceil(seconds * float64(format.Rate) / float64(p.samples(format))))
}

// samples is how many samples of each channel a chunk has.
func (p plan) samples(format Format) int {
	return p.chunk * format.FrameSize()
}
