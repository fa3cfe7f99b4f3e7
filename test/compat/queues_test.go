package compat

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unreel/unreel/test/harness"
	"github.com/unreel/unreel/test/servers"
)

// TestClassicQueues starts services where somebody has declared a queue as the first version had it: it is the
// operator's to decide what becomes of it.
func TestClassicQueues(t *testing.T) {
	t.Parallel()
	url := servers.RabbitMQ(t)
	first := channel(t, url)
	if _, err := first.QueueDeclare("video", true, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, service := range []string{"gateway", "converter", "notifier"} {
		t.Run(service, func(t *testing.T) {
			process := harness.Launch(t, service, "UNREEL_QUEUE="+url,
				"UNREEL_DATABASE=sqlite:"+filepath.Join(dir, "unreel.db"), "UNREEL_BLOBS=file:"+filepath.Join(dir, "blobs"),
				"UNREEL_MAIL=file:"+filepath.Join(dir, "mail"), "UNREEL_ADDR="+harness.FreePort(t), "UNREEL_AUTH_URL=http://"+harness.FreePort(t))
			harness.Eventually(t, "a word about the queue", func() error { return unready(process, `UNREEL_QUEUE: the queue "video"`) })
			if log := process.Log(); !strings.Contains(log, `UNREEL_QUEUE: the queue \"video\"`) {
				t.Errorf("nothing about it in the log:\n%s", log)
			}
		})
	}
	if _, err := first.QueueDeclare("video", true, false, false, false, nil); err != nil {
		t.Errorf("the queue is not what it was: %v", err)
	}
}

// unready wants a process that runs, is not ready, and says why.
func unready(process *harness.Process, why string) error {
	response, err := http.Get(process.Admin + "/readyz")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(body), why) {
		return fmt.Errorf("%d: %s", response.StatusCode, body)
	}
	return nil
}
