package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// checkTime is how long one dependency may take to show that it can be used.
const checkTime = 3 * time.Second

// readiness knows what the process needs and whether it is there.
type readiness struct {
	logger   *slog.Logger
	checks   map[string]func(context.Context) error
	stopping atomic.Bool

	mutex  sync.Mutex
	failed map[string]string
}

func newReadiness(logger *slog.Logger) *readiness {
	return &readiness{logger: logger, checks: map[string]func(context.Context) error{}, failed: map[string]string{}}
}

// add names a dependency. Call it before the first check.
func (r *readiness) add(name string, check func(context.Context) error) {
	r.checks[name] = check
}

// ServeHTTP answers 200, or 503 with one line for each dependency that is away.
func (r *readiness) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	failures := r.check(request.Context())
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if len(failures) == 0 {
		fmt.Fprintln(w, "ready")
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
	fmt.Fprintln(w, strings.Join(failures, "\n"))
}

// check asks every dependency at once and returns what is wrong, one line each.
func (r *readiness) check(ctx context.Context) []string {
	if r.stopping.Load() {
		return []string{"stopping"}
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	var group sync.WaitGroup
	for name, check := range r.checks {
		group.Go(func() { r.note(name, check(ctx)) })
	}
	group.Wait()
	r.mutex.Lock()
	defer r.mutex.Unlock()
	failures := make([]string, 0, len(r.failed))
	for name, reason := range r.failed {
		failures = append(failures, name+": "+reason)
	}
	sort.Strings(failures)
	return failures
}

// note remembers an outcome, and logs it when it is another than before.
func (r *readiness) note(name string, err error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	_, wasFailed := r.failed[name]
	switch {
	case err != nil:
		r.failed[name] = err.Error()
		if !wasFailed {
			r.logger.Error("dependency is away", "dependency", name, "error", err)
		}
	case wasFailed:
		delete(r.failed, name)
		r.logger.Info("dependency is back", "dependency", name)
	}
}

// adminHandler serves what operators and probes ask for, on an address that is never public.
func adminHandler(ready *readiness) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "alive")
	})
	mux.Handle("GET /readyz", ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}
