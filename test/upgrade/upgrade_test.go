// Package upgrade exchanges the processes of a cluster for those of another version, one after the other, while it is
// used. Old and new run side by side on one database, one broker and one store, in both directions.
package upgrade

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/test/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// TestRollingUpdate goes from the version before the last change of the schema to this one and on to one that changes
// it again, and then back to this one on the schema of the next. Conversions are accepted all the time; each
// is done once and announced once.
func TestRollingUpdate(t *testing.T) {
	this, next := harness.Binary(), buildNext(t)
	steps := []struct{ name, program string }{{"to the next version", next}, {"back to this version", this}}
	first := this
	if previous := buildPrevious(t); previous != "" {
		first = previous
		steps = append([]struct{ name, program string }{{"to this version", this}}, steps...)
	} else {
		t.Log("the history does not go back to the version before: only this one and the next")
	}
	r := &rollout{
		cluster: harness.StartClusterOf(t, first, harness.Shape{Gateways: 2, Converters: 2}),
		video:   harness.File(t, mediatest.Video(t, mediatest.Spec{Seconds: 1, Hz: 500})),
	}
	r.user = harness.SignUp(t, r.cluster.URL, "ada@example.com")
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) { r.roll(t, step.program) })
	}
	if schema := r.doctor(t, this); !strings.Contains(schema, "from a newer version of this program") {
		t.Errorf("this version does not see that the schema is the next one's:\n%s", schema)
	}
}

// rollout is a cluster in use.
type rollout struct {
	cluster *harness.Cluster
	user    *harness.User
	video   harness.Part
	session *api.Session // of the user; nil before there is one
}

// roll exchanges the cluster's processes in two halves, with work under way at each exchange, and then wants all of it
// done.
func (r *rollout) roll(t *testing.T, program string) {
	c := r.cluster
	stop, accepted := r.keepUploading(t)
	// Each half has both ends of something: in between, old gateways feed new converters and the other way round.
	for _, process := range []*harness.Process{c.Auths[0], c.Gateways[0], c.Converters[0]} {
		process.Exchange(t, program)
	}
	mixed := []string{r.through(t, 0), r.through(t, 1)}
	r.goOn(t)
	for _, process := range []*harness.Process{c.Gateways[1], c.Converters[1], c.Notifiers[0]} {
		process.Exchange(t, program)
	}
	r.user.URL = c.URLs[0]
	r.user.LogIn(t) // by the new auth
	r.goOn(t)
	stop()
	for _, id := range append(mixed, *accepted...) {
		r.wantDone(t, id)
	}
	t.Logf("%d conversions", len(*accepted)+len(mixed))
}

// goOn gets the next tokens of a session that may be from another version, at a gateway that has been exchanged.
func (r *rollout) goOn(t *testing.T) {
	t.Helper()
	user := *r.user
	user.URL = r.cluster.URLs[0]
	if r.session == nil {
		begun := user.BeginSession(t).Session(t)
		r.session = &begun
	} else {
		*r.session = user.RefreshSession(t, *r.session).Session(t)
	}
	user.Token = r.session.AccessToken
	if got := user.Get(t, "/v1/conversions"); got.Status != http.StatusOK {
		t.Errorf("with the new token: %s", got)
	}
}

// through uploads by one gateway.
func (r *rollout) through(t *testing.T, gateway int) string {
	t.Helper()
	user := *r.user
	user.URL = r.cluster.URLs[gateway]
	return user.Upload(t, r.video)
}

// keepUploading uploads one video after the other until it is stopped. A gateway that is being exchanged refuses the
// connection, and the next one is asked, as a load balancer does; every other failure is one.
func (r *rollout) keepUploading(t *testing.T) (stop func(), accepted *[]string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	accepted = new([]string)
	token, urls := r.user.Token, r.cluster.URLs
	go func() {
		defer close(ended)
		for i := 0; ctx.Err() == nil; i++ {
			id, err := r.upload(t, urls[i%len(urls)], token)
			if err != nil {
				t.Errorf("upload %d: %v", i, err)
				return
			}
			if id != "" {
				*accepted = append(*accepted, id)
				r.await(ctx, urls, token, id)
			}
		}
	}()
	return func() { cancel(); <-ended }, accepted
}

// upload sends the video, and returns no id where the gateway does not listen.
func (r *rollout) upload(t *testing.T, gateway, token string) (id string, err error) {
	contentType, body := harness.Form(t, r.video)
	request, err := http.NewRequest(http.MethodPost, gateway+"/v1/conversions", body)
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusAccepted {
		return "", fmt.Errorf("%s", response.Status)
	}
	return strings.TrimPrefix(response.Header.Get("Location"), "/v1/conversions/"), nil
}

// await waits until a conversion has ended, so that no more than one is under way; or until the context has.
func (r *rollout) await(ctx context.Context, gateways []string, token, id string) {
	for i := 0; ctx.Err() == nil; i++ {
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, gateways[i%len(gateways)]+"/v1/conversions/"+id, http.NoBody)
		if err != nil {
			return
		}
		request.Header.Set("Authorization", "Bearer "+token)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			continue
		}
		var c api.Conversion
		err = json.NewDecoder(response.Body).Decode(&c)
		response.Body.Close()
		if err == nil && c.Status.Terminal() {
			return
		}
	}
}

// wantDone wants a conversion completed at its first attempt, its MP3 there and one mail sent.
func (r *rollout) wantDone(t *testing.T, id string) {
	t.Helper()
	if c := r.user.Settled(t, id); c.Status != conversion.Completed || c.Attempts != 1 {
		t.Errorf("%s is %s after %d attempts: %+v", id, c.Status, c.Attempts, c.Error)
		return
	}
	r.user.MP3(t, id)
	harness.Eventually(t, "the mail about "+id, func() error {
		if sent := len(r.cluster.Mails(id)); sent != 1 {
			return fmt.Errorf("%d mails", sent)
		}
		return nil
	})
}

// doctor is what a version says of the cluster's database.
func (r *rollout) doctor(t *testing.T, program string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), program, "doctor", "converter")
	command.Env = append(os.Environ(), "UNREEL_DATABASE="+r.cluster.DSN, "UNREEL_QUEUE="+r.cluster.AMQP, "UNREEL_BLOBS="+r.cluster.Blobs.URL())
	printed, err := command.CombinedOutput()
	if err != nil {
		t.Errorf("doctor: %v\n%s", err, printed)
	}
	return string(printed)
}
