package faults

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/internal/store/ledger"
	"github.com/unreel/unreel/test/harness"
	"github.com/unreel/unreel/test/servers"
)

// loop is how long a kill loop goes on.
type loop struct {
	rounds                   int // each ends with everything settled, judged and deleted
	jobs, kills, serverKills int // in all rounds together
	pauses                   int // of converters, for two leases
}

// TestKillLoop kills services, database, broker and blob server at random while videos are uploaded, converted and
// mailed about.
func TestKillLoop(t *testing.T) {
	if inLong(true, false) {
		size := loop{rounds: 1, jobs: 40, kills: 9, serverKills: 3}
		newKillLoop(t, size, harness.Binary()).run(t)
		return
	}
	// Short leases: more happens in an hour.
	newKillLoop(t, longLoop(t), harness.Build(t, "faults"), "UNREEL_RATE_LIMIT=off").run(t)
}

// longLoop is 10,000 jobs, or as many as UNREEL_TEST_JOBS says with as many kills as belong to that.
func longLoop(t *testing.T) loop {
	t.Helper()
	jobs := 10_000
	if given, err := strconv.Atoi(os.Getenv("UNREEL_TEST_JOBS")); err == nil {
		jobs = given
	}
	// Rounds are short because FerretDB reads all of a collection to find one document.
	return loop{
		rounds: max(1, jobs/250), jobs: jobs, kills: max(9, jobs/50), serverKills: max(3, jobs*3/1000), pauses: max(1, jobs/500),
	}
}

// TestKillLoopOfMutants makes the system wrong on purpose, and wants the kill loop to notice.
func TestKillLoopOfMutants(t *testing.T) {
	if inLong(true, false) {
		t.Skip("takes minutes: set UNREEL_TEST_FAULTS=long")
	}
	killed, paused := loop{rounds: 1, jobs: 80, kills: 24}, loop{rounds: 1, jobs: 80, pauses: 6}
	for name, size := range map[string]loop{
		"ack-before-commit": killed, "202-before-commit": killed, "no-relay": killed, "no-fence": paused,
	} {
		t.Run(name, func(t *testing.T) {
			k := newKillLoop(t, size, harness.Build(t, "faults"), "UNREEL_RATE_LIMIT=off", "UNREEL_MUTANT="+name)
			// That it takes long is no proof: a slow machine does that, too.
			noticed := slices.DeleteFunc(suspect(t, k.run), func(text string) bool { return strings.HasPrefix(text, "waited ") })
			if len(noticed) == 0 {
				t.Fatal("nobody has noticed")
			}
			t.Logf("%d complaints, the first: %s", len(noticed), noticed[0])
		})
	}
}

func newKillLoop(t *testing.T, size loop, program string, settings ...string) *killLoop {
	t.Helper()
	k := &killLoop{
		size: size, random: seeded(t), oracle: newOracle(t),
		cluster:  harness.StartClusterOf(t, program, harness.Shape{Gateways: 2, Converters: 2, Notifiers: 2}, settings...),
		outcomes: outcomes(t),
		// Two leases and a minute, and what the work itself takes on a busy machine.
		patience: 2*ledger.DefaultConfig().Lease + time.Minute + time.Duration(size.jobs/size.rounds)*2*time.Second,
	}
	k.cluster.Broker.Sync(t)
	k.user = harness.SignUp(t, k.cluster.URL, "ada@example.com")
	return k
}

// outcomes is what jobs can be: one in twenty is no video, one in twenty a broken one. All are small, for the sake of
// FerretDB.
func outcomes(t *testing.T) []outcome {
	video := mediatest.Spec{Seconds: 1, Container: "mp4", Bitrate: "32k", Extra: "-s 32x32 -r 5"}
	good := outcome{"good", mediatest.Bytes(t, video), conversion.Completed, 1}
	video.Container = "mkv" // of which a part can be read
	broken, err := os.ReadFile(mediatest.Truncated(t, video, 0.7))
	if err != nil {
		t.Fatal(err)
	}
	all := make([]outcome, 20)
	for i := range all {
		all[i] = good
	}
	all[7] = outcome{"poison", []byte("this is no video"), conversion.Failed, 0}
	all[13] = outcome{"truncated", broken, conversion.Completed, 0}
	return all
}

type killLoop struct {
	size     loop
	patience time.Duration // until everything has settled
	random   *rand.Rand
	oracle   *oracle
	cluster  *harness.Cluster
	user     *harness.User
	outcomes []outcome
	token    token

	notifierKills, serverKills int
	total                      verdict
}

// run is every round. Between two of them all conversions are deleted, so that what the last one left is not taken
// for the next one's, and the servers keep little.
func (k *killLoop) run(t testing.TB) {
	began := time.Now()
	trouble := k.plan()
	for round := range k.size.rounds {
		first, next := k.size.jobs*round/k.size.rounds, k.size.jobs*(round+1)/k.size.rounds
		due := len(trouble) * (round + 1) / k.size.rounds
		k.round(t, first, next, trouble[len(trouble)*round/k.size.rounds:due])
		if t.Failed() {
			return
		}
		if round+1 < k.size.rounds {
			k.clear(t)
		}
	}
	t.Logf("%d jobs in %v, %d kills of services and %d of servers, %d pauses: %+v",
		k.size.jobs, time.Since(began).Round(time.Second), k.size.kills, k.size.serverKills, k.size.pauses, k.total)
}

// round uploads some jobs while it makes trouble, and holds what became of them against what was promised.
func (k *killLoop) round(t testing.TB, first, next int, trouble []func(testing.TB)) {
	t.Helper()
	began := time.Now()
	jobs := make(chan int)
	var uploads sync.WaitGroup
	for range 4 {
		uploads.Go(func() {
			for job := range jobs {
				if err := k.upload(t.Context(), job); err != nil {
					t.Errorf("job %d: %v", job, err)
				}
			}
		})
	}
	done := 0
	for job := first; job < next; job++ {
		jobs <- job
		for done < len(trouble)*(job+1-first)/(next-first) {
			trouble[done](t)
			done++
		}
	}
	close(jobs)
	uploads.Wait()
	t.Logf("%d jobs accepted after %v", k.oracle.count(), time.Since(began).Round(time.Second))
	if k.oracle.count() != next-first {
		t.Fatalf("%d jobs accepted, want %d", k.oracle.count(), next-first)
	}
	k.settle(t)
	k.judge(t)
}

// plan is every trouble of the loop, in random order.
func (k *killLoop) plan() []func(testing.TB) {
	var plan []func(testing.TB)
	processes := k.cluster.Processes()
	for range k.size.kills {
		victim := processes[k.random.IntN(len(processes))]
		plan = append(plan, func(t testing.TB) { k.killProcess(t, victim) })
	}
	for range k.size.pauses {
		victim := k.cluster.Converters[k.random.IntN(len(k.cluster.Converters))]
		plan = append(plan, func(t testing.TB) { k.pause(t, victim) })
	}
	servers := []interface {
		Kill(testing.TB)
		Restart(testing.TB)
	}{k.cluster.Database, k.cluster.Broker, k.cluster.Blobs}
	for i := range k.size.serverKills {
		victim := servers[i%len(servers)]
		plan = append(plan, func(t testing.TB) {
			k.serverKills++
			t.Logf("kill -9 of %T", victim)
			victim.Kill(t)
			victim.Restart(t)
		})
	}
	k.random.Shuffle(len(plan), func(i, j int) { plan[i], plan[j] = plan[j], plan[i] })
	return plan
}

func (k *killLoop) killProcess(t testing.TB, victim *harness.Process) {
	t.Helper()
	for _, notifier := range k.cluster.Notifiers {
		if victim == notifier {
			k.notifierKills++
		}
	}
	t.Logf("kill -9 of %s", victim.Name())
	victim.Kill(t)
	victim.Start(t)
}

// pause stops a process's clock for two leases, while others go on.
func (k *killLoop) pause(t testing.TB, victim *harness.Process) {
	t.Helper()
	t.Logf("pause of %s", victim.Name())
	victim.Pause(t)
	defer victim.Continue(t)
	began := time.Now()
	harness.Eventually(t, "two leases to pass", func() error {
		if since := time.Since(began); since < 2*shortLease {
			return fmt.Errorf("%v have", since)
		}
		return nil
	})
}

// upload sends one job until it is accepted, as a careful client does: with the same key each time, to any gateway.
func (k *killLoop) upload(ctx context.Context, job int) error {
	want := k.outcomes[job%len(k.outcomes)]
	deadline := time.Now().Add(5 * time.Minute)
	var last error
	for try := 0; time.Now().Before(deadline); try++ {
		id, err := k.send(ctx, k.cluster.URLs[(job+try)%len(k.cluster.URLs)], fmt.Sprintf("job-%d", job), want)
		if err == nil {
			return k.oracle.accept(id, want)
		}
		last = err
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
	return fmt.Errorf("never accepted: %w", last)
}

func (k *killLoop) send(ctx context.Context, url, key string, want outcome) (string, error) {
	body := &bytes.Buffer{}
	form := multipart.NewWriter(body)
	file, err := form.CreateFormFile("file", want.name+".mkv")
	if err != nil {
		return "", err
	}
	if _, err := file.Write(want.video); err != nil {
		return "", err
	}
	if err := form.Close(); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	bearer, err := k.token.of(ctx, url, k.user)
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/conversions", body)
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", form.FormDataContentType())
	request.Header.Set("Authorization", "Bearer "+bearer)
	request.Header.Set("Idempotency-Key", key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusAccepted {
		return "", fmt.Errorf("%d %s", response.StatusCode, answer)
	}
	var c api.Conversion
	if err := json.Unmarshal(answer, &c); err != nil || c.ID == "" {
		return "", fmt.Errorf("accepted without an id: %s, %w", answer, err)
	}
	return c.ID, nil
}

// settle waits until nothing is left to do: every conversion has ended and every mail has been settled.
func (k *killLoop) settle(t testing.TB) {
	for _, p := range k.cluster.Processes() {
		p.Ready(t)
	}
	db := k.database(t)
	began := time.Now()
	harness.Within(t, k.patience, "everything to settle", func() error {
		var open int
		if err := db.QueryRow(`SELECT COUNT(*) FROM conversions WHERE wake_due IS NOT NULL`).Scan(&open); err != nil {
			return err
		}
		if open > 0 {
			return fmt.Errorf("%d are open", open)
		}
		return nil
	})
	t.Logf("settled after another %v", time.Since(began).Round(time.Second))
}

func (k *killLoop) database(t testing.TB) *sql.DB {
	t.Helper()
	rest := strings.TrimPrefix(k.cluster.DSN, "mysql://")
	account, rest, _ := strings.Cut(rest, "@")
	host, name, _ := strings.Cut(rest, "/")
	db, err := sql.Open("mysql", fmt.Sprintf("%s@tcp(%s)/%s", account, host, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func (k *killLoop) judge(t testing.TB) {
	t.Helper()
	// The token of the start may have expired.
	k.user.LogIn(t)
	get := getter(func() string { return k.cluster.URL }, k.user.Token)
	mails := mailsByID(k.cluster.Mail.Mails())
	v := k.oracle.check(t, get, func(id string) []string { return mails[id] })
	t.Logf("%+v after %d kills of notifiers", v, k.notifierKills)
	if v.mailedTwice > k.notifierKills+k.serverKills {
		t.Errorf("%d mails came twice, for %d kills of notifiers and %d of servers", v.mailedTwice, k.notifierKills, k.serverKills)
	}
	k.total.add(v)
	var rows int
	db := k.database(t)
	if err := db.QueryRow(`SELECT COUNT(*) FROM conversions WHERE status <> 'deleted'`).Scan(&rows); err != nil {
		t.Fatal(err)
	}
	if rows != k.oracle.count() {
		t.Errorf("%d conversions for %d jobs", rows, k.oracle.count())
	}
	k.judgeFiles(t, v)
}

// mailsByID sorts mails by the conversions that they name.
func mailsByID(mails []servers.Mail) map[string][]string {
	byID := map[string][]string{}
	for _, mail := range mails {
		text := string(mail.Data)
		seen := map[string]bool{}
		for _, id := range idInMail.FindAllString(text, -1) {
			if !seen[id] {
				seen[id] = true
				byID[id] = append(byID[id], text)
			}
		}
	}
	return byID
}

var idInMail = regexp.MustCompile(`\b[0-9a-f]{24}\b`)

// clear deletes everything, and wants one collection to leave nothing of it.
func (k *killLoop) clear(t testing.TB) {
	t.Helper()
	for id := range k.oracle.accepted {
		request := k.user.Request(t, http.MethodDelete, "/v1/conversions/"+id, nil)
		if got := k.user.Do(t, request); got.Status != http.StatusNoContent {
			t.Fatalf("delete %s: %s", id, got)
		}
	}
	client := k.files(t)
	harness.Within(t, k.patience, "all files to go", func() error {
		for _, database := range []string{"videos", "mp3s"} {
			for _, collection := range []string{"fs.files", "fs.chunks", "fs.staging"} {
				left, err := client.Database(database).Collection(collection).EstimatedDocumentCount(t.Context())
				if err != nil || left > 0 {
					return fmt.Errorf("%d documents in %s of %s, %w", left, collection, database, err)
				}
			}
		}
		return nil
	})
	k.oracle.forget()
	k.notifierKills, k.serverKills = 0, 0
}

// files connects to the blob server.
func (k *killLoop) files(t testing.TB) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(k.cluster.Blobs.URL()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(context.WithoutCancel(t.Context())) })
	return client
}

// judgeFiles wants one video for each job and one MP3 for each completed one, and chunks of nothing else.
func (k *killLoop) judgeFiles(t testing.TB, v verdict) {
	t.Helper()
	client := k.files(t)
	deleted := map[string]bool{}
	for _, id := range k.deletedIDs(t) {
		deleted[id] = true
	}
	for database, want := range map[string]int{"videos": k.oracle.count(), "mp3s": v.completed} {
		files, err := client.Database(database).Collection("fs.files").Find(t.Context(), bson.D{})
		if err != nil {
			t.Fatal(err)
		}
		var found []struct {
			ID bson.ObjectID `bson:"_id"`
		}
		if err := files.All(t.Context(), &found); err != nil {
			t.Fatal(err)
		}
		kept := 0
		for _, file := range found {
			// The files of uploads that broke off are removed a minute after.
			if !deleted[file.ID.Hex()] {
				kept++
			}
		}
		if kept != want {
			t.Errorf("%d files in %s, want %d", kept, database, want)
		}
	}
}

func (k *killLoop) deletedIDs(t testing.TB) []string {
	t.Helper()
	rows, err := k.database(t).Query(`SELECT id FROM conversions WHERE status = 'deleted'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return ids
}
