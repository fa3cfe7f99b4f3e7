package converter

import (
	"context"
	"sync"

	"github.com/unreel/unreel/internal/conversion"
)

// jobs knows the conversions that run in this process, so that they can be stopped from outside.
type jobs struct {
	mutex sync.Mutex
	stops map[conversion.ID]context.CancelCauseFunc
	ended error // set once nothing may run any more
}

func newJobs() *jobs {
	return &jobs{stops: map[conversion.ID]context.CancelCauseFunc{}}
}

// begin returns a context for one conversion, and what ends it.
func (j *jobs) begin(ctx context.Context, id conversion.ID) (context.Context, context.CancelCauseFunc, func()) {
	ctx, stop := context.WithCancelCause(ctx)
	j.mutex.Lock()
	defer j.mutex.Unlock()
	j.stops[id] = stop
	if j.ended != nil {
		stop(j.ended)
	}
	return ctx, stop, func() {
		j.mutex.Lock()
		delete(j.stops, id)
		j.mutex.Unlock()
		stop(nil)
	}
}

// stop ends one conversion, if it runs here.
func (j *jobs) stop(id conversion.ID, cause error) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	if stop, ok := j.stops[id]; ok {
		stop(cause)
	}
}

// stopAll ends every conversion, and those that are yet to begin.
func (j *jobs) stopAll(cause error) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	j.ended = cause
	for _, stop := range j.stops {
		stop(cause)
	}
}
