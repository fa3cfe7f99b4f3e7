package converter

import (
	"context"
	"sync"

	"github.com/unreel/unreel/internal/conversion"
)

// jobs knows the conversions that run in this process, so that they can be stopped from outside. One
// conversion may be there twice: its old claim while that winds down, and its new one.
type jobs struct {
	mutex   sync.Mutex
	running map[*runningJob]struct{}
	ended   error // set once nothing may run any more
}

type runningJob struct {
	id   conversion.ID
	stop context.CancelCauseFunc
}

func newJobs() *jobs {
	return &jobs{running: map[*runningJob]struct{}{}}
}

// begin returns a context for one conversion, and what ends it.
func (j *jobs) begin(ctx context.Context, id conversion.ID) (context.Context, context.CancelCauseFunc, func()) {
	ctx, stop := context.WithCancelCause(ctx)
	begun := &runningJob{id: id, stop: stop}
	j.mutex.Lock()
	defer j.mutex.Unlock()
	j.running[begun] = struct{}{}
	if j.ended != nil {
		stop(j.ended)
	}
	return ctx, stop, func() {
		j.mutex.Lock()
		delete(j.running, begun)
		j.mutex.Unlock()
		stop(nil)
	}
}

// stop ends one conversion, if it runs here.
func (j *jobs) stop(id conversion.ID, cause error) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	for job := range j.running {
		if job.id == id {
			job.stop(cause)
		}
	}
}

// stopAll ends every conversion, and those that are yet to begin.
func (j *jobs) stopAll(cause error) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	j.ended = cause
	for job := range j.running {
		job.stop(cause)
	}
}
