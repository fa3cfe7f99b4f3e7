package app

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/unreel/unreel/internal/telemetry"
)

// checkTime is how long a dependency may take to show that it can be used.
const checkTime = 3 * time.Second

// dependency is something the process needs.
type dependency struct {
	name  string
	every time.Duration
	check func(context.Context) error
}

// readiness knows what the process needs and whether it is there. It asks by itself, so that a change is
// logged when it happens and a probe costs nothing.
type readiness struct {
	logger       *slog.Logger
	dependencies []dependency

	mutex   sync.Mutex
	reasons map[string]string // why a dependency cannot be used; those that can are missing
	remarks []string          // what an operator should know though it keeps nobody from working
	ended   bool
}

// notAsked is the reason before a dependency's first answer.
const notAsked = "not known yet"

func newReadiness(logger *slog.Logger) *readiness {
	return &readiness{logger: logger, reasons: map[string]string{}}
}

// add names a dependency. Call it before run.
func (r *readiness) add(name string, every time.Duration, check func(context.Context) error) {
	r.dependencies = append(r.dependencies, dependency{name, every, check})
	r.reasons[name] = notAsked
}

// remark adds a line to what a process that is ready says.
func (r *readiness) remark(line string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.remarks = append(r.remarks, line)
}

func (r *readiness) remarked() []string {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return slices.Clone(r.remarks)
}

// run asks the dependencies until the context ends. From then on the process is not ready.
func (r *readiness) run(ctx context.Context) error {
	var group sync.WaitGroup
	for _, d := range r.dependencies {
		group.Go(func() { r.watch(ctx, d) })
	}
	<-ctx.Done()
	r.mutex.Lock()
	r.ended = true
	r.mutex.Unlock()
	group.Wait()
	return nil
}

// impatience is how soon a dependency that is away is asked again.
const impatience = time.Second

func (r *readiness) watch(ctx context.Context, d dependency) {
	for ctx.Err() == nil {
		asking, cancel := context.WithTimeout(ctx, checkTime)
		err := d.check(asking)
		cancel()
		if ctx.Err() != nil {
			return
		}
		r.note(d.name, err)
		wait := d.every
		if err != nil {
			wait = impatience
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// note remembers an answer, and logs it when it is another than before.
func (r *readiness) note(name string, err error) {
	r.mutex.Lock()
	before := r.reasons[name]
	if err != nil {
		r.reasons[name] = err.Error()
	} else {
		delete(r.reasons, name)
	}
	r.mutex.Unlock()
	switch {
	case err != nil && before == notAsked: // as where all are started at once
		r.logger.Warn("dependency is away", "dependency", name, "error", err)
	case err != nil && before == "":
		r.logger.Error("dependency is away", "dependency", name, "error", err)
	case err == nil && before != "" && before != notAsked:
		r.logger.Info("dependency is back", "dependency", name)
	}
}

// ending is the one failure that no probe can leave out.
const ending = "stopping"

// failures is what is wrong, by the dependency's name.
func (r *readiness) failures() map[string]string {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.ended {
		return map[string]string{"": ending}
	}
	return maps.Clone(r.reasons)
}

var (
	readyDesc = telemetry.NewDesc("ready", "1 while the process can do its work, as /readyz says.")
	upDesc    = telemetry.NewDesc("dependency_up", "1 while a server that the process needs can be used.", "dependency")
)

// Describe implements prometheus.Collector.
func (r *readiness) Describe(out chan<- *prometheus.Desc) {
	out <- readyDesc
	out <- upDesc
}

// Collect implements prometheus.Collector.
func (r *readiness) Collect(out chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, holds bool, labels ...string) {
		value := 0.0
		if holds {
			value = 1
		}
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	gauge(readyDesc, !r.ended && len(r.reasons) == 0)
	for _, d := range r.dependencies {
		_, away := r.reasons[d.name]
		gauge(upDesc, !away, d.name)
	}
}

// ServeHTTP answers 200, or 503 with one line for each dependency that is away. A probe may leave out those that
// the process goes on without, as of Kubernetes' own servers: /readyz?exclude=queue. They are named all the same.
func (r *readiness) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	failures := r.failures()
	excluded := request.URL.Query()["exclude"]
	lines := make([]string, 0, len(failures)+1)
	ready := true
	for name, reason := range failures {
		switch {
		case name == "":
			ready, lines = false, append(lines, reason)
		case slices.Contains(excluded, name):
			lines = append(lines, name+" (excluded): "+reason)
		default:
			ready, lines = false, append(lines, name+": "+reason)
		}
	}
	slices.Sort(lines)
	if ready {
		lines = slices.Concat([]string{"ready"}, lines, r.remarked())
	} else {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	fmt.Fprintln(w, strings.Join(lines, "\n"))
}
