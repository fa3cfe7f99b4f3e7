package telemetry

import (
	"net/http"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/unreel/unreel/internal/conversion"
)

// Metrics is what a process counts. Each label has a value of a list that is written down in the program: how much
// there is to count never depends on what people send.
type Metrics struct {
	registry *prometheus.Registry

	// Requests, in seconds, by server, route (a pattern, never a path), method and class of status.
	Requests *prometheus.HistogramVec
	InFlight *prometheus.GaugeVec // by server
	LogIns   *prometheus.CounterVec

	Accepted     prometheus.Counter       // conversions whose video is there
	Begun        prometheus.Counter       // attempts
	Attempts     *prometheus.HistogramVec // that have ended, in seconds, by outcome
	Waited       prometheus.Histogram     // seconds until a due conversion was taken up
	Failures     *prometheus.CounterVec   // conversions that failed for good, by slug
	AudioSeconds prometheus.Counter       // of sound that was converted
	Mails        *prometheus.CounterVec   // by result
	AccountMails *prometheus.CounterVec   // by result
	WebhookCalls *prometheus.CounterVec   // by result

	Slots     *prometheus.GaugeVec // by topic
	SlotsBusy *prometheus.GaugeVec
	Published *prometheus.CounterVec // hints, by topic and result
	Handled   *prometheus.CounterVec

	BlobBytes   *prometheus.CounterVec // by kind and direction
	Unavailable *prometheus.CounterVec // calls that failed because a server was away, by server
}

// The values of labels.
const (
	Completed = "completed" // outcomes of an attempt
	Failed    = "failed"
	Retried   = "retried"
	Released  = "released" // handed back by a converter that stops
	Canceled  = "canceled"
	Lost      = "lost" // its lease ran out

	Handled  = "handled" // results of a hint
	Rejected = "rejected"
	Sent     = "sent"

	GivenUp  = "given-up" // results of a webhook's call, beside Sent and Retried
	Disabled = "disabled"

	Refused = "refused" // results of a try to send a mail, beside Sent and Retried or Failed
	Unknown = "unknown"

	Read    = "read" // directions
	Written = "written"
)

// Servers are the values of the label server in unreel_unavailable_total.
var servers = []string{"database", "blobs", "queue", "mail"}

func newMetrics(config Config) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.makeHTTP()
	m.makeWork()
	m.makeQueue()
	m.makeRest()
	m.gaugeVec("build_info", "1; its labels say which program this is.", "service", "version", "commit", "go").
		WithLabelValues(config.Service, config.Version, config.Commit, runtime.Version()).Set(1)
	return m
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// Register adds a collector, such as one that asks a store when it is asked.
func (m *Metrics) Register(collector prometheus.Collector) { m.registry.MustRegister(collector) }

func (m *Metrics) makeHTTP() {
	m.Requests = m.histogramVec("http_request_duration_seconds", "How long requests took to be answered.",
		[]float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}, "server", "route", "method", "status")
	m.InFlight = m.gaugeVec("http_requests_in_flight", "Requests that are being answered, event streams among them.", "server")
	m.LogIns = m.counterVec("logins_total", "Log-ins by result.", "result")
	for _, result := range logIns {
		m.LogIns.WithLabelValues(result)
	}
}

func (m *Metrics) makeWork() {
	seconds := []float64{.1, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600}
	m.Accepted = m.counter("conversions_accepted_total", "Conversions whose video has arrived.")
	m.Begun = m.counter("attempts_begun_total", "Attempts at a conversion that were begun.")
	m.Attempts = m.histogramVec("attempt_duration_seconds", "How long attempts took, by how they ended.", seconds, "outcome")
	for _, outcome := range []string{Completed, Failed, Retried, Released, Canceled, Lost} {
		m.Attempts.WithLabelValues(outcome)
	}
	m.Waited = prometheus.NewHistogram(prometheus.HistogramOpts{
		Namespace: namespace, Name: "queue_wait_seconds", Help: "How long conversions were due until a converter took them up.", Buckets: seconds,
	})
	m.Register(m.Waited)
	m.Failures = m.counterVec("conversions_failed_total", "Conversions that failed for good, by the slug of the reason.", "slug")
	for _, slug := range conversion.Slugs() {
		m.Failures.WithLabelValues(string(slug))
	}
	m.AudioSeconds = m.counter("audio_seconds_total", "Seconds of sound that were converted.")
	m.Mails = m.counterVec("mails_total", "Tries to send a mail about a conversion, by what came of them.", "result")
	for _, result := range mailResults {
		m.Mails.WithLabelValues(result)
	}
	m.AccountMails = m.counterVec("account_mails_total", "Tries to send a mail about an account, by what came of them.", "result")
	for _, result := range []string{Sent, Failed, Refused, Unknown} {
		m.AccountMails.WithLabelValues(result)
	}
	m.WebhookCalls = m.counterVec("webhook_calls_total", "Tries to call a webhook, by what came of them.", "result")
	for _, result := range []string{Sent, Retried, GivenUp, Disabled} {
		m.WebhookCalls.WithLabelValues(result)
	}
}

// mailResults are the states that a try ends in, as the ledger names them, and Retried.
var mailResults = []string{Sent, Retried, Refused, GivenUp, Unknown}

func (m *Metrics) makeQueue() {
	m.Slots = m.gaugeVec("worker_slots", "How many hints this process handles at once: on video conversions, on mp3 mails.", "topic")
	m.SlotsBusy = m.gaugeVec("worker_slots_busy", "How many it is handling.", "topic")
	m.Published = m.counterVec("hints_published_total", "Hints that were sent, by topic and result.", "topic", "result")
	m.Handled = m.counterVec("hints_handled_total", "Hints that were handled, by topic and result; rejected ones are set aside.", "topic", "result")
	for _, topic := range []string{"video", "mp3"} {
		m.Published.WithLabelValues(topic, Sent)
		m.Published.WithLabelValues(topic, Failed)
		for _, result := range []string{Handled, Failed, Rejected} {
			m.Handled.WithLabelValues(topic, result)
		}
	}
}

func (m *Metrics) makeRest() {
	m.BlobBytes = m.counterVec("blob_bytes_total", "Bytes of videos and MP3s that went to the store or came from it.", "kind", "direction")
	for _, kind := range []string{"videos", "mp3s"} {
		m.BlobBytes.WithLabelValues(kind, Read)
		m.BlobBytes.WithLabelValues(kind, Written)
	}
	m.Unavailable = m.counterVec("unavailable_total", "Calls that failed because a server was away.", "server")
	for _, server := range servers {
		m.Unavailable.WithLabelValues(server)
	}
}

const namespace = "unreel"

func (m *Metrics) counter(name, help string) prometheus.Counter {
	counter := prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
	m.Register(counter)
	return counter
}

func (m *Metrics) counterVec(name, help string, labels ...string) *prometheus.CounterVec {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	m.Register(vec)
	return vec
}

func (m *Metrics) gaugeVec(name, help string, labels ...string) *prometheus.GaugeVec {
	vec := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, labels)
	m.Register(vec)
	return vec
}

func (m *Metrics) histogramVec(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	vec := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: namespace, Name: name, Help: help, Buckets: buckets,
	}, labels)
	m.Register(vec)
	return vec
}
