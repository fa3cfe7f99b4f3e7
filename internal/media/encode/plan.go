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
	// chunkSteps is long enough for calls into the encoder to cost nothing: while one is short, Go's scheduler
	// wakes up all the time to look after it.
	chunkSteps = 8
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
	p := plan{step: period * ((stepFrames + period - 1) / period), chunk: chunkSteps, ahead: spare}
	if workers == 1 { // nobody would take the next segment
		p.length = math.MaxInt32 / (p.chunk * p.step)
		return p
	}
	most := max(shortest, min(longest, budget/float64(workers)))
	switch {
	case config.Segment > 0:
		steps := int(math.Ceil(config.Segment / p.seconds(1, config.Format) * float64(p.chunk)))
		p.chunk = max(1, min(p.chunk, steps/4))
		p.length = (steps + p.chunk - 1) / p.chunk
	case config.Samples > 0:
		p.share(config, workers, most)
	default:
		p.length = int(most / 2 / p.seconds(1, config.Format))
	}
	p.ahead += p.longest()*(workers-1) + p.longest()/4
	return p
}

// share cuts sound of a known length: into parts as long as they may be, and then ever shorter ones, so that all
// workers come to the end at the same time.
func (p *plan) share(config Config, workers int, most float64) {
	chunk := p.seconds(1, config.Format)
	least, end := int(math.Ceil(shortest/chunk)), float64(config.Samples)/float64(config.Format.Rate)
	for at := 0; ; at += p.length {
		rest := end - p.seconds(at, config.Format)
		p.length = max(least, int(min(most, rest/float64(workers))/chunk))
		if p.starts = append(p.starts, at); rest <= shortest {
			return
		}
	}
}

// seconds is how much sound so many chunks are.
func (p plan) seconds(chunks int, format Format) float64 {
	return float64(chunks*p.samples(format)) / float64(format.Rate)
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

// longest is how many chunks the longest segment has: the first one.
func (p plan) longest() int {
	return p.start(1)
}
