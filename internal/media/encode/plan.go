package encode

import "math"

// plan is where the sound is cut.
type plan struct {
	step    int // frames that are encoded in one call where an encoder may soon stop
	chunk   int // steps that are kept, and else encoded, as one
	segment int // chunks in a segment
	ahead   int // chunks that are kept at most
}

const (
	// stepFrames is short enough that an encoder which goes on behind its segment's end can stop soon.
	stepFrames = 24
	// chunkSteps is long enough for calls into the encoder to cost nothing: each wakes the scheduler.
	chunkSteps = 8
	// shortest and longest are the bounds of a segment in seconds. A segment costs a second or two of sound that
	// is encoded twice; all workers' segments are kept in memory.
	shortest, longest = 8.0, 30.0
	// budget is how much sound all workers together may keep, in seconds.
	budget = 240.0
)

func newPlan(config Config) plan {
	workers := max(config.Workers, 1)
	segment := config.Segment
	if segment == 0 {
		segment = config.segment(workers)
	}
	period := config.Format.period()
	p := plan{step: period * ((stepFrames + period - 1) / period)}
	steps := int(math.Ceil(segment * float64(config.Format.Rate) / float64(p.step*config.Format.FrameSize())))
	p.chunk = max(1, min(chunkSteps, steps/4))
	p.segment = (steps + p.chunk - 1) / p.chunk
	p.ahead = 2 + (workers-1)*p.segment + (p.segment+3)/4
	if workers == 1 { // nobody would take the next segment
		p.segment, p.ahead = math.MaxInt32/(p.chunk*p.step), 2
	}
	return p
}

// frames is how many frames a segment has.
func (p plan) frames() int {
	return p.segment * p.chunk * p.step
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
