package e2e

import (
	"fmt"
	"testing"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/test/harness"
)

// TestCluster is the main job in processes of their own: whichever gateway is asked, the answer is the same.
func TestCluster(t *testing.T) {
	t.Parallel()
	c := harness.StartCluster(t, harness.Shape{Gateways: 2, Converters: 2})
	ada := harness.SignUp(t, c.URLs[0], "ada@example.com")
	elsewhere := harness.Stranger(t, c.URLs[1])
	elsewhere.Token = ada.Token

	id := ada.Upload(t, harness.File(t, mediatest.Video(t, mediatest.Spec{Seconds: 3, Hz: 600})))
	events := watch(t, elsewhere, id)
	if len(events) == 0 {
		t.Error("no events at the other gateway")
	}
	if got := elsewhere.Settled(t, id); got.Status != conversion.Completed || got.Attempts != 1 {
		t.Fatalf("conversion: %+v, %+v", got, got.Error)
	}
	checkTone(t, elsewhere.MP3(t, id), 600, 3, 2)
	harness.Eventually(t, "the mail", func() error {
		if sent := len(c.Mails(id)); sent != 1 {
			return fmt.Errorf("%d mails", sent)
		}
		return nil
	})
}
