package observability

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

const (
	step  = time.Minute // between two scrapes, and two looks at the rules
	steps = 120
)

// busy is a system that does well. After a series comes what it has at first, and by how much that changes a minute.
const busy = `
	unreel_build_info{service="gateway"} 1+0
	unreel_ready{instance="a"} 1+0
	unreel_dependency_up{dependency="mail"} 1+0
	unreel_dependency_up{dependency="auth"} 1+0
	unreel_http_request_duration_seconds_count{server="gateway",status="2xx"} 0+600
	unreel_http_request_duration_seconds_count{server="gateway",status="5xx"} 0+1
	unreel_http_request_duration_seconds_bucket{server="gateway",method="GET",route="/v1/conversions",le="0.1"} 0+598
	unreel_http_request_duration_seconds_bucket{server="gateway",method="GET",route="/v1/conversions",le="+Inf"} 0+600
	unreel_logins_total{result="ok"} 0+5
	unreel_logins_total{result="refused"} 0+1
	unreel_oldest_due_seconds 40+0
	unreel_conversions_due 3+0
	unreel_conversions_failed_total{slug="internal"} 0+0
	unreel_conversions_failed_total{slug="no-audio-stream"} 0+5
	unreel_attempt_duration_seconds_count{outcome="completed"} 0+20
	unreel_attempt_duration_seconds_count{outcome="failed"} 0+5
	unreel_attempt_duration_seconds_count{outcome="lost"} 0+0
	unreel_worker_slots{topic="video"} 4+0
	unreel_worker_slots_busy{topic="video"} 4+0
	unreel_queue_messages{queue="video"} 3+0
	unreel_queue_messages{queue="video.dead"} 0+0
	unreel_hints_published_total{topic="video",result="sent"} 0+20
	unreel_hints_published_total{topic="video",result="failed"} 0+0
	unreel_oldest_mail_seconds 2+0
	unreel_mails_total{result="sent"} 0+20
	unreel_mails_total{result="refused"} 0+1
	unreel_account_mails_total{result="sent"} 0+1
	unreel_account_mails_total{result="failed"} 0+1
	unreel_webhook_calls_total{result="sent"} 0+3
	unreel_webhook_calls_total{result="retried"} 0+1`

// idle is what changes where nobody is there.
const idle = `
	unreel_http_request_duration_seconds_count{server="gateway",status="2xx"} 9+0
	unreel_http_request_duration_seconds_count{server="gateway",status="5xx"} 9+0
	unreel_http_request_duration_seconds_bucket{server="gateway",method="GET",route="/v1/conversions",le="0.1"} 9+0
	unreel_http_request_duration_seconds_bucket{server="gateway",method="GET",route="/v1/conversions",le="+Inf"} 9+0
	unreel_logins_total{result="ok"} 9+0
	unreel_logins_total{result="refused"} 9+0
	unreel_oldest_due_seconds 0+0
	unreel_conversions_due 0+0
	unreel_conversions_failed_total{slug="no-audio-stream"} 9+0
	unreel_attempt_duration_seconds_count{outcome="completed"} 9+0
	unreel_attempt_duration_seconds_count{outcome="failed"} 9+0
	unreel_worker_slots{topic="video"} gone
	unreel_worker_slots_busy{topic="video"} gone
	unreel_hints_published_total{topic="video",result="sent"} 9+0
	unreel_oldest_mail_seconds 0+0
	unreel_mails_total{result="sent"} 9+0
	unreel_mails_total{result="refused"} 9+0
	unreel_account_mails_total{result="sent"} 9+0
	unreel_account_mails_total{result="failed"} 9+0
	unreel_webhook_calls_total{result="sent"} 9+0
	unreel_webhook_calls_total{result="retried"} 9+0`

// troubles is what changes in a busy system, and who is to speak.
var troubles = []struct{ name, changes, alerts string }{
	{"all is well", "", ""},
	{"nobody is there", idle, ""},
	{"requests fail", `unreel_http_request_duration_seconds_count{server="gateway",status="5xx"} 0+30`, "UnreelGatewayErrors"},
	{"transfers are cut", `unreel_http_request_duration_seconds_count{server="gateway",status="aborted"} 0+30`, "UnreelGatewayErrors"},
	{"reads take long", `unreel_http_request_duration_seconds_bucket{server="gateway",method="GET",route="/v1/conversions",le="0.1"} 0+500
		unreel_http_request_duration_seconds_bucket{server="gateway",method="GET",route="/v1/conversions",le="5"} 0+600`, "UnreelGatewaySlow"},
	{"hints do not arrive", "unreel_oldest_due_seconds 0+60\nunreel_worker_slots_busy{topic=\"video\"} 0+0", "UnreelConversionsWait"},
	{"too few converters", "unreel_oldest_due_seconds 0+7", "UnreelConvertersBusy"},
	{"no converters", "unreel_worker_slots{topic=\"video\"} gone\nunreel_worker_slots_busy{topic=\"video\"} gone", "UnreelNoConverters"},
	{"conversions fail by us", `unreel_conversions_failed_total{slug="internal"} 0+2`, "UnreelConversionsFail"},
	{"conversions fail by users", `unreel_conversions_failed_total{slug="no-audio-stream"} 0+20
		unreel_attempt_duration_seconds_count{outcome="failed"} 0+20`, ""},
	{"converters die", `unreel_attempt_duration_seconds_count{outcome="lost"} 0+1`, "UnreelLeasesLost"},
	{"a letter that nobody can read", `unreel_queue_messages{queue="mp3.dead"} 1+0`, "UnreelDeadLetters"},
	{"the broker is full", `unreel_hints_published_total{topic="video",result="failed"} 0+4`, "UnreelHintsStopped"},
	{"no notifier", "unreel_oldest_mail_seconds 0+60", "UnreelMailsWait"},
	{"mails are refused", `unreel_mails_total{result="refused"} 0+9`, "UnreelMailsRefused"},
	{"one mail about an account fails again and again", `unreel_account_mails_total{result="sent"} 9+0
		unreel_account_mails_total{result="failed"} 9+0.5`, "UnreelAccountMailsStopped"},
	{"mails about accounts are refused", `unreel_account_mails_total{result="sent"} 9+0
		unreel_account_mails_total{result="failed"} 0+0
		unreel_account_mails_total{result="refused"} 0+1`, "UnreelAccountMailsStopped"},
	{"nobody's webhook is reached", `unreel_webhook_calls_total{result="sent"} 9+0`, "UnreelWebhooksFail"},
	{"one person's webhook is not reached", `unreel_webhook_calls_total{result="retried"} 0+9`, ""},
	{"a process waits", `unreel_ready{instance="b"} 0+0`, "UnreelNotReady"},
	{"auth is away", `unreel_dependency_up{dependency="auth",instance="b"} 0+0`, "UnreelDependencyAway"},
	{"no gateway", `unreel_build_info{service="gateway"} gone`, "UnreelNotSeen"},
	{"somebody guesses", `unreel_logins_total{result="refused"} 0+90`, "UnreelLoginsRefused"},
	{"many log in", `unreel_logins_total{result="ok"} 0+900
		unreel_logins_total{result="refused"} 0+90`, ""},
}

// TestAlertsFire brings each trouble about, in Prometheus' own engine, and wants its alert to speak and no other.
func TestAlertsFire(t *testing.T) {
	alerts := rules(t)
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, Parser: parser.NewParser(parser.Options{})})
	seen := map[string]bool{}
	for _, trouble := range troubles {
		t.Run(trouble.name, func(t *testing.T) {
			series := parse(t, busy, trouble.changes)
			var spoke []string
			for _, alert := range alerts {
				if fires(t, engine, series, alert) {
					spoke = append(spoke, alert.Alert)
				}
			}
			if got := strings.Join(spoke, " "); got != trouble.alerts {
				t.Errorf("%q speaks, not %q", got, trouble.alerts)
			}
			seen[trouble.alerts] = true
		})
	}
	for _, alert := range alerts {
		if !seen[alert.Alert] {
			t.Errorf("no trouble makes %s speak", alert.Alert)
		}
	}
}

// parse reads series. A later one takes the place of an earlier one with the same labels, or of nothing.
func parse(t *testing.T, texts ...string) map[string]storage.Series {
	t.Helper()
	found := map[string]storage.Series{}
	for line := range strings.Lines(strings.Join(texts, "\n")) {
		name, course, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			continue
		}
		if course == "gone" {
			delete(found, keyOf(t, name))
			continue
		}
		set, values, err := parser.NewParser(parser.Options{}).ParseSeriesDesc(fmt.Sprintf("%s %sx%d", name, course, steps))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		var samples []chunks.Sample
		for i, value := range values {
			samples = append(samples, sample{int64(i) * step.Milliseconds(), value.Value})
		}
		found[set.String()] = storage.NewListSeries(set, samples)
	}
	return found
}

func keyOf(t *testing.T, name string) string {
	t.Helper()
	set, _, err := parser.NewParser(parser.Options{}).ParseSeriesDesc(name + " 0")
	if err != nil {
		t.Fatal(err)
	}
	return set.String()
}

// fires is whether the expression of an alert holds for as long as it has to.
func fires(t *testing.T, engine *promql.Engine, series map[string]storage.Series, alert rulefmt.Rule) bool {
	t.Helper()
	query, err := engine.NewRangeQuery(t.Context(), &storage.MockQueryable{MockQuerier: querier(series)}, nil,
		alert.Expr, time.UnixMilli(0), time.UnixMilli(0).Add(steps*step), step)
	if err != nil {
		t.Fatal(err)
	}
	defer query.Close()
	matrix, err := query.Exec(t.Context()).Matrix()
	if err != nil {
		t.Fatalf("%s: %v", alert.Alert, err)
	}
	for _, result := range matrix {
		since := result.Floats[0].T
		for i, point := range result.Floats {
			if i > 0 && point.T-result.Floats[i-1].T > step.Milliseconds() {
				since = point.T
			}
			if time.Duration(point.T-since)*time.Millisecond >= time.Duration(alert.For) {
				return true
			}
		}
	}
	return false
}

// querier selects from series.
func querier(series map[string]storage.Series) storage.Querier {
	return &storage.MockQuerier{SelectMockFunction: func(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
		chosen := &chosen{}
		for _, one := range series {
			if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(one.Labels().Get(m.Name)) }) {
				chosen.left = append(chosen.left, one)
			}
		}
		return chosen
	}}
}

// chosen is a storage.SeriesSet.
type chosen struct {
	at   storage.Series
	left []storage.Series
}

func (c *chosen) Next() bool {
	if len(c.left) == 0 {
		return false
	}
	c.at, c.left = c.left[0], c.left[1:]
	return true
}
func (c *chosen) At() storage.Series                { return c.at }
func (c *chosen) Err() error                        { return nil }
func (c *chosen) Warnings() annotations.Annotations { return nil }

// sample is a chunks.Sample.
type sample struct {
	at    int64 // milliseconds
	value float64
}

func (s sample) T() int64                      { return s.at }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.value }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }
