package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/test/harness"
	"github.com/unreel/unreel/test/servers"
)

// TestOnServers is the main job in one process over MySQL, GridFS and SMTP.
func TestOnServers(t *testing.T) {
	t.Parallel()
	sink := servers.SMTP(t)
	s := harness.StartAlone(t,
		"UNREEL_DATABASE="+servers.MariaDB(t), "UNREEL_BLOBS="+servers.FerretDB(t), "UNREEL_MAIL="+sink.URL)
	ada := harness.SignUp(t, s.URL, "ada@example.com")
	c := ada.Settled(t, ada.Upload(t, harness.File(t, mediatest.Video(t, mediatest.Spec{Seconds: 3, Hz: 600}))))
	if c.Status != conversion.Completed {
		t.Fatalf("conversion: %+v, %+v", c, c.Error)
	}
	checkTone(t, ada.MP3(t, c.ID), 600, 3, 2)
	got := ada.Get(t, "/v1/conversions/"+c.ID+"/mp3", "Range", "bytes=100-199")
	if got.Status != http.StatusPartialContent || len(got.Body) != 100 {
		t.Errorf("range: %d, %d bytes", got.Status, len(got.Body))
	}
	harness.Eventually(t, "the mail", func() error {
		for _, mail := range sink.Mails() {
			if strings.Contains(string(mail.Data), c.ID) && mail.To[0] == "ada@example.com" {
				return nil
			}
		}
		return fmt.Errorf("%d mails, none of them about it", len(sink.Mails()))
	})
}
