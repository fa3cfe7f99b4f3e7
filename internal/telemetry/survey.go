package telemetry

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// surveyLife is how long a survey's answer is good: several who scrape cost one question.
	surveyLife = 10 * time.Second
	// surveyTime is how long it may take. Whoever scrapes waits for it.
	surveyTime = 3 * time.Second
)

// Gauge is one value that a survey brings.
type Gauge struct {
	Desc   *prometheus.Desc
	Value  float64
	Labels []string // the values of the Desc's
}

// NewDesc describes what a survey will bring.
func NewDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(namespace+"_"+name, help, labels, nil)
}

// Survey is a collector of what must be asked for: the state of a store, not of this process. A survey that fails
// brings nothing, so that nobody takes an old answer for the truth; the failure is told by who was asked.
type Survey struct {
	descs []*prometheus.Desc
	ask   func(context.Context) ([]Gauge, error)

	mutex sync.Mutex
	until time.Time // the answer is good
	last  []Gauge
}

// NewSurvey makes a Survey that brings gauges of these descriptions.
func NewSurvey(ask func(context.Context) ([]Gauge, error), descs ...*prometheus.Desc) *Survey {
	return &Survey{descs: descs, ask: ask}
}

// Describe implements prometheus.Collector.
func (s *Survey) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range s.descs {
		out <- desc
	}
}

// Collect implements prometheus.Collector.
func (s *Survey) Collect(out chan<- prometheus.Metric) {
	for _, gauge := range s.answer() {
		out <- prometheus.MustNewConstMetric(gauge.Desc, prometheus.GaugeValue, gauge.Value, gauge.Labels...)
	}
}

func (s *Survey) answer() []Gauge {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if time.Now().Before(s.until) {
		return s.last
	}
	ctx, cancel := context.WithTimeout(context.Background(), surveyTime)
	defer cancel()
	answer, err := s.ask(ctx)
	if err != nil {
		answer = nil
	}
	// An answer that did not come is not asked for again at once, either.
	s.last, s.until = answer, time.Now().Add(surveyLife)
	return s.last
}
