package encode

import "math"

// plan is where the sound is cut.
type plan struct {
	chunk   int // frames that are encoded in one call, a multiple of the padding's period
	segment int // chunks in a segment
	ahead   int // chunks that are kept at most
}

const (
	// chunkFrames is long enough for calls into the encoder to cost nothing, and short enough that an encoder which
	// goes on behind its segment's end can soon stop.
	chunkFrames = 24
	// shortest and longest are the bounds of a segment in seconds. A segment costs about a second of sound that
	// is encoded twice; all workers' segments are kept in memory.
	shortest, longest = 8.0, 60.0
	// budget is how much sound all workers together may keep, in seconds.
	budget = 240.0
)

func newPlan(config Config) plan {
	period := config.Format.period()
	p := plan{chunk: period * ((chunkFrames + period - 1) / period)}
	seconds := float64(p.chunk*config.Format.FrameSize()) / float64(config.Format.Rate)
	workers := max(config.Workers, 1)

	segment := config.Segment
	if segment == 0 {
		segment = config.segment(workers)
	}
	p.segment = max(1, int(math.Ceil(segment/seconds)))
	if workers == 1 {
		p.segment = math.MaxInt32 / p.chunk
	}
	p.ahead = 2
	if workers > 1 {
		p.ahead += (workers-1)*p.segment + p.segment/4
	}
	return p
}

// frames is how many frames a segment has.
func (p plan) frames() int {
	return p.segment * p.chunk
}

// segment cuts sound of a known length into as many equal parts as keep all workers busy to the end.
func (c Config) segment(workers int) float64 {
	most := max(shortest, min(longest, budget/float64(workers)))
	length := float64(c.Samples) / float64(c.Format.Rate)
	if length == 0 {
		return most / 2
	}
	rounds := math.Ceil(length / (most * float64(workers)))
	return max(shortest, length/(rounds*float64(workers)))
}
