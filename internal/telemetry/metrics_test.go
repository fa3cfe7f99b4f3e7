package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/unreel/unreel/internal/httpx"
)

// TestCardinality sends what no list of ours has: the series must not grow with it.
func TestCardinality(t *testing.T) {
	watched := off(t)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/conversions/{id}", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200 + len(r.PathValue("id"))%400)
	})
	handler := watched.Server("gateway", httpx.Chain(mux, httpx.RequestID))
	for i := range 300 {
		id := strings.Repeat("x", i+1)
		for _, method := range []string{http.MethodGet, fmt.Sprintf("M%d", i)} {
			for _, path := range []string{"/v1/conversions/" + id, "/" + id} {
				handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, path+"?q="+id, nil))
			}
		}
	}
	// GET of the route in four classes, GET of none and what is no method at all in one.
	if got := testutil.CollectAndCount(watched.Metrics.Requests); got > 7 {
		t.Errorf("%d series for one route", got)
	}
}

func TestServerCounts(t *testing.T) {
	watched := off(t)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Status") == "429" {
			w.WriteHeader(http.StatusTooManyRequests)
		}
	})
	mux.HandleFunc("GET /broken", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "half")
		panic(http.ErrAbortHandler)
	})
	handler := watched.Server("auth", httpx.Chain(mux, httpx.RequestID))
	send := func(method, path, status string) {
		request := httptest.NewRequest(method, path, nil)
		request.Header.Set("X-Status", status)
		defer func() { _ = recover() }()
		handler.ServeHTTP(httptest.NewRecorder(), request)
	}
	send("POST", "/login", "")
	send("POST", "/login", "429")
	send("GET", "/broken", "")
	send("GET", "/login", "")

	series := map[string]int{}
	for _, labels := range [][]string{
		{"auth", "/login", "POST", "2xx"}, {"auth", "/login", "POST", "4xx"}, {"auth", "/broken", "GET", aborted}, {"auth", "none", "GET", "4xx"},
	} {
		histogram, _ := watched.Metrics.Requests.WithLabelValues(labels...).(prometheus.Histogram)
		series[strings.Join(labels, " ")] = testutil.CollectAndCount(histogram)
	}
	if got := testutil.CollectAndCount(watched.Metrics.Requests); got != len(series) {
		t.Errorf("%d series, want these: %v", got, series)
	}
	for result, want := range map[string]float64{"ok": 1, "limited": 1, "refused": 0, "error": 0} {
		if got := testutil.ToFloat64(watched.Metrics.LogIns.WithLabelValues(result)); got != want {
			t.Errorf("%v log-ins %s, want %v", got, result, want)
		}
	}
	if got := testutil.ToFloat64(watched.Metrics.InFlight.WithLabelValues("auth")); got != 0 {
		t.Errorf("%v requests in flight at the end", got)
	}
}

// TestLint holds names and units to Prometheus' conventions.
func TestLint(t *testing.T) {
	problems, err := testutil.GatherAndLint(off(t).Metrics.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
}

// TestSurvey wants an answer for everybody who scrapes within ten seconds, and none rather than an old one.
func TestSurvey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, failing := 0, false
		desc := NewDesc("x", "x", "kind")
		survey := NewSurvey(func(context.Context) ([]Gauge, error) {
			asked++
			if failing {
				return []Gauge{{Desc: desc, Value: 9, Labels: []string{"a"}}}, errors.New("away")
			}
			return []Gauge{{Desc: desc, Value: float64(asked), Labels: []string{"a"}}}, nil
		}, desc)
		expect := func(when string, want ...float64) {
			t.Helper()
			metrics := make(chan prometheus.Metric, 10)
			survey.Collect(metrics)
			close(metrics)
			var got []float64
			for metric := range metrics {
				got = append(got, testutil.ToFloat64(single{metric}))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", when, diff)
			}
		}
		expect("at first", 1)
		expect("at once again", 1)
		pass(surveyLife)
		expect("later", 2)
		failing = true
		pass(surveyLife)
		expect("while nobody answers")
		failing = false
		expect("soon after a failure")
		pass(surveyLife)
		expect("at the end", 4)
	})
}

// single is a collector of one metric.
type single struct{ metric prometheus.Metric }

func (s single) Describe(out chan<- *prometheus.Desc) { out <- s.metric.Desc() }
func (s single) Collect(out chan<- prometheus.Metric) { out <- s.metric }

// pass lets time go by in a bubble.
func pass(d time.Duration) { <-time.After(d) }
