// Package observability holds what deploy/ has for Prometheus and Grafana against Prometheus' own parser, the list of
// metrics in docs/metrics.md, and the runbook in docs/operations.md. test/e2e holds that list against the services.
package observability

import (
	"encoding/json"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

const root = "../../"

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(root + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// metric is a row of docs/metrics.md.
type metric struct {
	kind   string
	labels []string
}

func metrics(t *testing.T) map[string]metric {
	t.Helper()
	known := map[string]metric{}
	row := regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| ([a-z]+) \\|([a-z, ]*)\\|")
	for _, match := range row.FindAllStringSubmatch(read(t, "docs/metrics.md"), -1) {
		known[match[1]] = metric{match[2], strings.FieldsFunc(match[3], func(r rune) bool { return r == ',' || r == ' ' })}
	}
	if len(known) < 20 {
		t.Fatalf("docs/metrics.md lists %d metrics", len(known))
	}
	return known
}

// given are the labels that Prometheus adds.
var given = []string{labels.MetricName, "instance", "job", "le"}

// checkExpression wants an expression to name only metrics and labels that there are.
func checkExpression(t *testing.T, known map[string]metric, text string) {
	t.Helper()
	expression, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		t.Errorf("%s: %v", text, err)
		return
	}
	named := 0
	parser.Inspect(expression, func(node parser.Node, _ []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		named++
		name := selector.Name
		found, ok := known[name]
		for _, suffix := range []string{"_bucket", "_count", "_sum"} {
			if base, cut := strings.CutSuffix(name, suffix); cut && !ok {
				found, ok = known[base]
				ok = ok && found.kind == "histogram"
			}
		}
		if !ok {
			t.Errorf("%s: there is no metric %s", text, name)
		}
		for _, matcher := range selector.LabelMatchers {
			if !slices.Contains(given, matcher.Name) && !slices.Contains(found.labels, matcher.Name) {
				t.Errorf("%s: %s has no label %s", text, name, matcher.Name)
			}
		}
		return nil
	})
	if named == 0 {
		t.Errorf("%s names no metric", text)
	}
}

func TestAlerts(t *testing.T) {
	known, runbook := metrics(t), anchors(read(t, "docs/operations.md"))
	var alerts []string
	for _, rule := range rules(t) {
		alerts = append(alerts, strings.ToLower(rule.Alert))
		checkExpression(t, known, rule.Expr)
		checkRunbook(t, rule, runbook)
	}
	for anchor := range runbook {
		if strings.HasPrefix(anchor, "unreel") && !slices.Contains(alerts, anchor) {
			t.Errorf("docs/operations.md has %s, which is no alert", anchor)
		}
	}
}

// rules returns what Prometheus reads in deploy/prometheus.
func rules(t *testing.T) (all []rulefmt.Rule) {
	t.Helper()
	paths, err := filepath.Glob(root + "deploy/prometheus/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no rules: %v", err)
	}
	for _, path := range paths {
		groups, failed := rulefmt.ParseFile(path, false, model.LegacyValidation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
		for _, err := range failed {
			t.Error(err)
		}
		if groups == nil {
			continue
		}
		for _, group := range groups.Groups {
			all = append(all, group.Rules...)
		}
	}
	return all
}

func checkRunbook(t *testing.T, rule rulefmt.Rule, runbook map[string]bool) {
	t.Helper()
	if !slices.Contains([]string{"page", "ticket"}, rule.Labels["severity"]) || rule.Annotations["summary"] == "" {
		t.Errorf("%s has the severity %q and the summary %q", rule.Alert, rule.Labels["severity"], rule.Annotations["summary"])
	}
	link, err := url.Parse(rule.Annotations["runbook_url"])
	if err != nil || !strings.HasSuffix(link.Path, "/docs/operations.md") || !runbook[link.Fragment] || link.Fragment != strings.ToLower(rule.Alert) {
		t.Errorf("%s: the runbook is at %s, %v; docs/operations.md has no such section, or another alert's", rule.Alert, link, err)
	}
}

// anchors are what a forge makes of headings.
func anchors(document string) map[string]bool {
	found := map[string]bool{}
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(document, -1) {
		kept := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		found[strings.ReplaceAll(kept, " ", "-")] = true
	}
	return found
}

func TestDashboards(t *testing.T) {
	known := metrics(t)
	paths, err := filepath.Glob(root + "deploy/grafana/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no dashboards: %v", err)
	}
	grafana := strings.NewReplacer("$__rate_interval", "5m", "$__range", "1h", "$__interval", "1m")
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var dashboard struct {
			Title, UID string
			Panels     []struct {
				ID          int
				Type, Title string
				Targets     []struct{ Expr, RefID string }
			}
		}
		if err := json.Unmarshal(raw, &dashboard); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		ids := map[int]bool{}
		for _, panel := range dashboard.Panels {
			if ids[panel.ID] || panel.Title == "" || panel.Type != "row" && len(panel.Targets) == 0 {
				t.Errorf("%s: panel %d %q is there twice, or says nothing", path, panel.ID, panel.Title)
			}
			ids[panel.ID] = true
			for _, target := range panel.Targets {
				checkExpression(t, known, grafana.Replace(target.Expr))
			}
		}
		if dashboard.Title == "" || dashboard.UID == "" || len(ids) == 0 {
			t.Errorf("%s has no title, no uid or no panels", path)
		}
	}
}

// TestChecks wants the checks to find what is wrong.
func TestChecks(t *testing.T) {
	known := metrics(t)
	for _, text := range []string{
		"unreel_no_such_metric", `unreel_ready{colour="red"}`, "sum(", "1 + 1", "rate(unreel_ready_count[5m])",
	} {
		probe := &testing.T{}
		checkExpression(probe, known, text)
		if !probe.Failed() {
			t.Errorf("nobody minds %q", text)
		}
	}
}
