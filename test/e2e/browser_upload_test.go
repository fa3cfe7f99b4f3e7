package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/chromedp/chromedp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/test/harness"
)

// TestPageResumes uploads a large video by a line that breaks on the way: the page goes on by itself from what has arrived.
func TestPageResumes(t *testing.T) {
	t.Parallel()
	s := harness.StartAlone(t)
	line := newLine(t, strings.TrimPrefix(s.URL, "http://"))
	ada := harness.SignUp(t, s.URL, "ada@example.com")
	// Sound that is not compressed, of 18 MB.
	const seconds = 95
	video := mediatest.Video(t, mediatest.Spec{Seconds: seconds, Container: "mov", Codec: "pcm_s16le", Hz: 640})

	ctx := browser(t)
	run(t, ctx, "log in",
		chromedp.Navigate("http://"+line.Listen),
		chromedp.SendKeys("#email", "ada@example.com"),
		chromedp.SendKeys("#password", harness.Password),
		chromedp.Click("#login-submit"),
		chromedp.WaitVisible("#convert"),
	)
	// 4 MB a second are slow enough to be cut in the middle.
	if _, err := line.Toxics.AddToxicJson(strings.NewReader(`{"name":"slow","type":"bandwidth","stream":"upstream","attributes":{"rate":4000}}`)); err != nil {
		t.Fatal(err)
	}
	run(t, ctx, "begin the upload",
		chromedp.SetUploadFiles("#files", []string{video}),
		chromedp.WaitEnabled("#start-upload"),
		chromedp.Click("#start-upload"),
	)
	harness.Eventually(t, "a part to arrive", func() error { return written(t, s.Process, 4<<20) })
	line.Stop()
	run(t, ctx, "see that the line is broken", until(`document.querySelector("#uploads .status")?.textContent.includes("connection broke")`))
	if err := line.Start(); err != nil {
		t.Fatal(err)
	}
	run(t, ctx, "see it go on", chromedp.WaitVisible(`#conversions button[data-action="play"]`))

	got := ada.Get(t, "/v1/conversions")
	var list api.ConversionList
	if got.JSON(t, &list); got.Status != http.StatusOK || len(list.Conversions) != 1 {
		t.Fatalf("list: %s", got)
	}
	one := list.Conversions[0]
	if one.Status != conversion.Completed || one.Video.Name != "video.mov" {
		t.Errorf("conversion: %+v", one)
	}
	if written(t, s.Process, int(one.Video.Size+one.Video.Size/10)) == nil {
		t.Error("what had arrived was sent again")
	}
	checkTone(t, ada.MP3(t, one.ID), 640, seconds, 2)
}

// newLine stands between a browser and a system.
func newLine(t *testing.T, to string) *toxiproxy.Proxy {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	line := toxiproxy.NewProxy(server, "browser", "127.0.0.1:0", to)
	if err := line.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(line.Stop)
	return line
}
