package converter

import (
	"context"
	"errors"
	"testing"

	"github.com/unreel/unreel/internal/conversion"
)

var errTest = errors.New("stopped by the test")

func TestJobsStopOne(t *testing.T) {
	jobs := newJobs()
	one, _, endOne := jobs.begin(t.Context(), conversion.ID("one"))
	two, _, endTwo := jobs.begin(t.Context(), conversion.ID("two"))
	defer endTwo()
	jobs.stop("one", errTest)
	jobs.stop("three", errTest)
	if !errors.Is(context.Cause(one), errTest) || two.Err() != nil {
		t.Errorf("one: %v, two: %v", context.Cause(one), two.Err())
	}
	endOne()
	if len(jobs.running) != 1 {
		t.Errorf("%d jobs are known, want 1", len(jobs.running))
	}
}

// TestJobsTwice ends an old claim's job while the new claim's job for the same conversion runs.
func TestJobsTwice(t *testing.T) {
	jobs := newJobs()
	_, _, endOld := jobs.begin(t.Context(), "one")
	fresh, _, endFresh := jobs.begin(t.Context(), "one")
	defer endFresh()
	endOld()
	if fresh.Err() != nil {
		t.Fatal("the new job was ended with the old one")
	}
	jobs.stopAll(errTest)
	if !errors.Is(context.Cause(fresh), errTest) {
		t.Error("the new job can no longer be stopped")
	}
}

func TestJobsStopAllBeforeBegin(t *testing.T) {
	jobs := newJobs()
	jobs.stopAll(errTest)
	late, _, end := jobs.begin(t.Context(), "late")
	defer end()
	if !errors.Is(context.Cause(late), errTest) {
		t.Error("a job began after the end")
	}
}
