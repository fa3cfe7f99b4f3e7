package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/test/harness"
)

// The trace that a browser is in.
const (
	browserTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	browserSpan  = "00f067aa0ba902b7"
)

// TestSeeing follows one user through four processes by what these tell of it: spans, logs and metrics.
func TestSeeing(t *testing.T) {
	t.Parallel()
	spans := newCollector(t)
	c := harness.StartCluster(t, harness.Shape{},
		"OTEL_EXPORTER_OTLP_ENDPOINT="+spans.URL, "OTEL_BSP_SCHEDULE_DELAY=100", "UNREEL_LOG_LEVEL=debug")
	ada := harness.SignUp(t, c.URL, "ada.lovelace@example.com")
	ada.Client.Transport = inTrace{ada.Client.Transport}
	ada.LogIn(t)

	contentType, body := harness.Form(t, harness.File(t, mediatest.Video(t, mediatest.Spec{Seconds: 25, Hz: 600})))
	answer := ada.Post(t, "/v1/conversions", contentType, body)
	if answer.Status != http.StatusAccepted {
		t.Fatal(answer)
	}
	var accepted struct {
		ID string `json:"id"`
	}
	answer.JSON(t, &accepted)
	id := accepted.ID
	if got := ada.Settled(t, id); got.Status != conversion.Completed {
		t.Fatalf("conversion: %+v, %+v", got, got.Error)
	}
	failed := ada.Settled(t, ada.Upload(t, harness.File(t, mediatest.Text(t))))
	harness.Eventually(t, "the mails", func() error {
		if sent := len(c.Mails(id)) + len(c.Mails(failed.ID)); sent != 2 {
			return fmt.Errorf("%d mails", sent)
		}
		return nil
	})
	link := checkMail(t, c.Mails(id)[0], ada.Email, "Your MP3 is ready: video.mp4")
	if got := harness.Stranger(t, c.URL).Get(t, harness.Path(t, link)); got.Status != http.StatusOK {
		t.Fatal(got)
	}
	secrets := append(secretsOf(t, c, ada, link), resetOf(t, c, ada))

	t.Run("traces", func(t *testing.T) { checkTrace(t, spans, secrets) })
	t.Run("logs", func(t *testing.T) { checkLogs(t, c, secrets, id, failed.ID) })
	t.Run("metrics", func(t *testing.T) {
		checkMetrics(t, c)
		checkAccountMail(t, c.Auths[0].Admin)
	})
}

// inTrace sends the header that a browser with tracing would.
type inTrace struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (r inTrace) RoundTrip(request *http.Request) (*http.Response, error) {
	request.Header.Set("Traceparent", "00-"+browserTrace+"-"+browserSpan+"-01")
	return r.RoundTripper.RoundTrip(request)
}

// resetOf has a forgotten password be mailed about, and returns the token of that mail.
func resetOf(t *testing.T, c *harness.Cluster, ada *harness.User) (token string) {
	t.Helper()
	answer := ada.Post(t, "/v1/password-resets", "application/json", strings.NewReader(`{"email":"`+ada.Email+`"}`))
	if answer.Status != http.StatusAccepted {
		t.Fatal(answer)
	}
	harness.Eventually(t, "the mail about the account", func() error {
		for _, mail := range c.Mails("Choose another password") {
			if found := mailedLink.FindStringSubmatch(strings.ReplaceAll(mail, "=\r\n", "")); found != nil {
				token = found[3]
				return nil
			}
		}
		return errors.New("not there yet")
	})
	// Used or not, it must be nowhere to be read.
	_ = ada.Post(t, "/v1/password-resets/"+token, "application/json", strings.NewReader(`{"password":"short"}`))
	return token
}

// secretsOf is what nobody may find in logs or traces.
func secretsOf(t *testing.T, c *harness.Cluster, ada *harness.User, link string) []string {
	t.Helper()
	signed, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	signature := signed.Query().Get("signature")
	if len(signature) < 16 {
		t.Fatalf("signature %q of %s", signature, link)
	}
	secrets := []string{ada.Email, harness.Password, url.QueryEscape(harness.Password), ada.Token, strings.Split(ada.Token, ".")[2], signature}
	for _, server := range []string{c.DSN, c.AMQP} {
		parsed, err := url.Parse(server)
		if err != nil {
			t.Fatal(err)
		}
		if password, _ := parsed.User.Password(); len(password) > 8 {
			secrets = append(secrets, password)
		}
	}
	return secrets
}

func expectNone(t *testing.T, where, text string, secrets []string) {
	t.Helper()
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Errorf("%s has %q: %s", where, secret, text)
		}
	}
}

// checkTrace wants the way from the browser to the mail in one trace, without a gap.
func checkTrace(t *testing.T, spans *collector, secrets []string) {
	want := []string{
		"unreel-auth POST /login", "unreel-auth users.get", "unreel-gateway POST auth",
		"unreel-gateway POST /v1/conversions", "unreel-gateway ledger.insert", "unreel-gateway blob.write videos", "unreel-gateway ledger.update",
		"unreel-converter process video", "unreel-converter ledger.update", "unreel-converter blob.read videos",
		"unreel-converter probe", "unreel-converter convert", "unreel-converter blob.write mp3s",
		"unreel-notifier process mp3", "unreel-notifier ledger.update", "unreel-notifier mail.send",
		"publish video", "publish mp3",
	}
	if runtime.NumCPU() > 1 { // then a video of this length is encoded on all cores
		want = append(want, "unreel-converter decode", "unreel-converter encode", "unreel-converter splice")
	}
	harness.Eventually(t, "the whole trace", func() error {
		got := map[string]bool{}
		known := map[string]bool{browserSpan: true}
		for _, s := range spans.of(browserTrace) {
			got[s.service+" "+s.name] = true
			got[s.name] = true // whose relay is first is not to be foretold
			known[s.id] = true
		}
		var missing error
		for _, name := range want {
			if !got[name] {
				missing = errors.Join(missing, errors.New(name+" is missing"))
			}
		}
		for _, s := range spans.of(browserTrace) {
			if !known[s.parent] {
				missing = errors.Join(missing, fmt.Errorf("the parent of %s %s is missing", s.service, s.name))
			}
		}
		return missing
	})
	for _, s := range spans.of(browserTrace) {
		expectNone(t, "a span", s.text, secrets)
	}
}

// checkLogs wants lines of JSON that name the conversions that they are about, and no secrets.
func checkLogs(t *testing.T, c *harness.Cluster, secrets []string, ids ...string) {
	for _, process := range c.Processes() {
		lines, traced := 0, false
		for line := range strings.Lines(process.Log()) {
			lines++
			expectNone(t, "the log of "+process.Name(), line, secrets)
			var event map[string]any
			if err := json.Unmarshal([]byte(line), &event); err != nil {
				t.Errorf("the log of %s has what is no event: %s", process.Name(), line)
				continue
			}
			traced = traced || event["trace_id"] == browserTrace
			for _, id := range ids {
				if strings.Contains(line, id) && event["conversion"] != id {
					t.Errorf("the log of %s is about %s and does not say so: %s", process.Name(), id, line)
				}
			}
		}
		if lines == 0 || !traced {
			t.Errorf("the log of %s has %d lines, of the trace: %v", process.Name(), lines, traced)
		}
	}
}

// checkMetrics wants the services to expose just what docs/metrics.md lists.
func checkMetrics(t *testing.T, c *harness.Cluster) {
	document, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| ([a-z]+) \\|").FindAllStringSubmatch(string(document), -1) {
		documented = append(documented, row[1]+" "+row[2])
	}
	slices.Sort(documented)
	var exposed []string
	for _, process := range c.Processes() {
		exposed = append(exposed, scrape(t, process.Admin)...)
	}
	slices.Sort(exposed)
	exposed = slices.Compact(exposed)
	ours := func(name string) bool { return strings.HasPrefix(name, "unreel_") }
	if diff := cmp.Diff(filter(documented, ours), filter(exposed, ours)); diff != "" {
		t.Errorf("metrics (-docs/metrics.md +exposed):\n%s", diff)
	}
	for _, name := range documented {
		if !slices.Contains(exposed, name) {
			t.Errorf("docs/metrics.md has %s, and no service does", name)
		}
	}
}

// checkAccountMail wants auth to have counted the mail about the account.
func checkAccountMail(t *testing.T, admin string) {
	harness.Eventually(t, "the count of mails about accounts", func() error {
		if text := scraped(t, admin); !strings.Contains(text, "unreel_account_mails_total{result=\"sent\"} 1\n") {
			return errors.New("it is not 1")
		}
		return nil
	})
}

func filter(names []string, keep func(string) bool) []string {
	var kept []string
	for _, name := range names {
		if keep(name) {
			kept = append(kept, name)
		}
	}
	return kept
}

// scrape returns the names of metrics, with their types.
func scrape(t *testing.T, admin string) []string {
	t.Helper()
	var names []string
	for _, line := range regexp.MustCompile(`(?m)^# TYPE (.+)$`).FindAllStringSubmatch(scraped(t, admin), -1) {
		names = append(names, line[1])
	}
	return names
}

// scraped is what Prometheus would read.
func scraped(t *testing.T, admin string) string {
	t.Helper()
	response, err := http.Get(admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%d, %v: %s", response.StatusCode, err, body)
	}
	return string(body)
}
