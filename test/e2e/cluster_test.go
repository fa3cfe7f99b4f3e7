package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/rabbitmq/amqp091-go"

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
	checkOperator(t, c, ada)
}

// checkOperator looks at what did not go well and replays it, as whoever runs the cluster would.
func checkOperator(t *testing.T, c *harness.Cluster, ada *harness.User) {
	t.Helper()
	unreel := func(args ...string) string {
		command := exec.Command(harness.Binary(), args...)
		command.Env = append(os.Environ(), "UNREEL_DATABASE="+c.DSN, "UNREEL_QUEUE="+c.AMQP)
		output, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("unreel %v: %v\n%s", args, err, output)
		}
		return string(output)
	}
	failed := ada.Settled(t, ada.Upload(t, harness.File(t, mediatest.Text(t))))
	nonsense(t, c.AMQP)
	harness.Eventually(t, "the nonsense to be set aside", func() error {
		if list := unreel("queue", "list"); !strings.Contains(list, "video.dead") {
			return fmt.Errorf("the list is %q", list)
		}
		return nil
	})
	if list := unreel("queue", "list"); !strings.Contains(list, failed.ID) || !strings.Contains(list, "unsupported-media") {
		t.Errorf("list: %s", list)
	}
	if shown := unreel("queue", "show", failed.ID); !strings.Contains(shown, "ada@example.com") {
		t.Errorf("show: %s", shown)
	}
	if shown := unreel("queue", "show", "nonsense"); !strings.Contains(shown, "no JSON") {
		t.Errorf("show of a message: %s", shown)
	}
	unreel("queue", "replay", failed.ID)
	again := ada.Settled(t, failed.ID)
	if again.Status != conversion.Failed || !again.StartedAt.After(*failed.StartedAt) {
		t.Errorf("after a replay: %+v", again)
	}
}

// nonsense publishes what no service of ours would.
func nonsense(t *testing.T, url string) {
	t.Helper()
	connection, err := amqp091.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	channel, err := connection.Channel()
	if err != nil {
		t.Fatal(err)
	}
	message := amqp091.Publishing{Body: []byte("no JSON"), MessageId: "nonsense"}
	if err := channel.PublishWithContext(t.Context(), "", "video", true, false, message); err != nil {
		t.Fatal(err)
	}
}
