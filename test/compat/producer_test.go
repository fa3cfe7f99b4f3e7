package compat

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/test/harness"
)

// TestProducers has a gateway of the first version send videos, behind messages that nobody can serve.
func TestProducers(t *testing.T) {
	t.Parallel()
	c := harness.StartCluster(t, harness.Shape{})
	p := connect(t, c)
	id := p.put("videos", mediatest.Bytes(t, spec))

	wanted := map[string]string{} // reasons by body
	for _, bad := range []struct{ body, reason string }{
		{hint(bson.NewObjectID().Hex(), "grace@example.com"), "no video has the id"},
		{hint(id, "grace"), "username: must be an e-mail address"},
		{hint("talk.mp4", "grace@example.com"), "video_fid: an id is 24 hexadecimal digits"},
		{"{'video_fid': None}", "not a hint"},
		{"", "not a hint"},
		{"null", "video_fid"},
		{`{"video_fid": 7, "mp3_fid": [], "username": {}}`, "not a hint"},
	} {
		p.send("video", bad.body)
		wanted[bad.body] = bad.reason
	}
	p.send("video", hint(id, "grace@example.com"))

	link := mailedLink(t, c, id)
	got := harness.Stranger(t, c.URL).Get(t, harness.Path(t, link))
	if got.Status != http.StatusOK || got.Header.Get("Content-Disposition") == "" {
		t.Fatalf("the link in the mail: %d", got.Status)
	}
	wantTone(t, got.Body)
	if stored, err := p.get("mp3s", id); err != nil || string(stored) != string(got.Body) {
		t.Errorf("the store has another MP3: %d bytes, %v", len(stored), err)
	}
	ada := harness.SignUp(t, c.URL, "ada@example.com")
	if got := ada.Get(t, "/download?fid="+id); got.Status != http.StatusNotFound {
		t.Errorf("somebody else's download: %d", got.Status)
	}
	wantSetAside(t, p, "video.dead", wanted)

	foreign := fmt.Sprintf(`{"video_fid": %q, "mp3_fid": %q, "username": "grace@example.com"}`, bson.NewObjectID().Hex(), p.put("mp3s", got.Body))
	p.send("mp3", foreign)
	wantSetAside(t, p, "mp3.dead", map[string]string{foreign: "no conversion has the id"})
	for _, process := range c.Processes() {
		if strings.Contains(process.Log(), "panic") {
			t.Errorf("%s panicked", process.Name())
		}
	}
}

// hint is the body of a message as json.dumps writes it.
func hint(id, username string) string {
	return fmt.Sprintf(`{"video_fid": %q, "mp3_fid": null, "username": %q}`, id, username)
}

// mailedLink waits for the mail about a conversion and returns its link.
func mailedLink(t *testing.T, c *harness.Cluster, id string) string {
	t.Helper()
	var link string
	harness.Eventually(t, "the mail", func() error {
		for _, mail := range c.Mail.Mails() {
			// Quoted-printable breaks lines with "=" and writes "=" as "=3D".
			text := strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(string(mail.Data))
			link = regexp.MustCompile(`http://[^\s"<>]+/` + id + `/mp3\?[^\s"<>]+`).FindString(text)
			if link != "" && len(mail.To) == 1 && mail.To[0] == "grace@example.com" {
				return nil
			}
		}
		return fmt.Errorf("%d mails", len(c.Mail.Mails()))
	})
	return link
}

// wantSetAside wants just these messages in a queue, each with a reason that contains the given one.
func wantSetAside(t *testing.T, p *program, queue string, reasons map[string]string) {
	t.Helper()
	harness.Eventually(t, "messages in "+queue, func() error {
		state, err := p.broker.QueueDeclarePassive(queue, true, false, false, false, nil)
		if err == nil && state.Messages != len(reasons) {
			err = fmt.Errorf("%d, want %d", state.Messages, len(reasons))
		}
		return err
	})
	for range reasons {
		dead, ok, err := p.broker.Get(queue, true)
		if err != nil || !ok {
			t.Fatalf("get from %s: %v, %v", queue, ok, err)
		}
		reason, _ := dead.Headers["unreel-reason"].(string)
		want, known := reasons[string(dead.Body)]
		if !known || !strings.Contains(reason, want) {
			t.Errorf("set aside: %q because %q, want %q", dead.Body, reason, want)
		}
		delete(reasons, string(dead.Body))
	}
}
