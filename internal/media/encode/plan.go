package encode

import "math"

// plan is where the sound is cut.
type plan struct {
	step   int   // frames that are encoded in one call where an encoder may soon stop
	chunk  int   // steps that are read, and else encoded, as one
	starts []int // the chunks where segments begin; each one behind has length
	length int   // chunks
	ahead  int   // chunks that are kept at most
}

const (
	// stepFrames is short enough that an encoder which goes on behind its segment's end can stop soon.
	stepFrames = 24
	// mostSteps makes a chunk long enough for calls into the encoder to cost nothing: while one is short, Go's scheduler
	// wakes up all the time to look after it. chunks is how many there are at least in the longest segment: a long
	// chunk takes memory.
	mostSteps, chunks = 8, 12
	// shortest and longest are the bounds of a segment in seconds. A segment costs a second or two of sound that
	// is encoded twice; all workers' segments are kept in memory.
	shortest, longest = 8.0, 60.0
	// budget is how much sound all workers together may keep, in seconds.
	budget = 240.0
	// spare is how many chunks more are kept, so that nobody waits for those that are being read.
	spare = 2
)

func newPlan(config Config) plan {
	workers := max(config.Workers, 1)
	period := config.Format.period()
	p := plan{step: period * ((stepFrames + period - 1) / period), chunk: mostSteps, ahead: spare}
	if workers == 1 { // nobody would take the next segment
		p.length = math.MaxInt32 / (p.chunk * p.step)
		return p
	}
	first := config.first(workers)
	steps := int(math.Ceil(first * float64(config.Format.Rate) / float64(p.step*config.Format.FrameSize())))
	p.chunk = max(1, min(mostSteps, steps/chunks))
	p.length = (steps + p.chunk - 1) / p.chunk
	if config.Segment == 0 && config.Samples > 0 {
		p.share(config, workers)
	}
	p.ahead += p.start(1)*(workers-1) + p.start(1)/4
	return p
}

// first is the length in seconds of the first segment, which is the longest.
func (c Config) first(workers int) float64 {
	most := max(shortest, min(longest, budget/float64(workers)))
	switch {
	case c.Segment > 0:
		return c.Segment
	case c.Samples > 0:
		return max(shortest, min(most, c.seconds()/float64(workers)))
	default:
		return most / 2
	}
}

// seconds is how long the sound is, as far as it is known.
func (c Config) seconds() float64 {
	return float64(c.Samples) / float64(c.Format.Rate)
}

// share cuts sound of a known length: into parts as long as they may be, and then ever shorter ones, so that all
// workers come to the end at the same time.
func (p *plan) share(config Config, workers int) {
	chunk := float64(p.samples(config.Format)) / float64(config.Format.Rate)
	most, least := p.length, int(math.Ceil(shortest/chunk))
	for at := 0; ; at += p.length {
		rest := config.seconds() - float64(at)*chunk
		p.length = max(least, min(most, int(rest/float64(workers)/chunk)))
		if p.starts = append(p.starts, at); rest <= shortest {
			return
		}
	}
}

// samples is how many samples of each channel a chunk has.
func (p plan) samples(format Format) int {
	return p.chunk * p.step * format.FrameSize()
}

// start is the chunk where a segment begins.
func (p plan) start(segment int) int {
	if segment < len(p.starts) {
		return p.starts[segment]
	}
	if len(p.starts) == 0 {
		return segment * p.length
	}
	last := len(p.starts) - 1
	return p.starts[last] + (segment-last)*p.length
}
