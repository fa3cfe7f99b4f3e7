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
)

// loop is how long a kill loop goes on.
type loop struct {
	jobs, kills, serverKills int
}

// TestKillLoop kills services, database, broker and blob server at random while videos are uploaded, converted and
// mailed about.
func TestKillLoop(t *testing.T) {
	size := loop{jobs: 40, kills: 9, serverKills: 3}
	if os.Getenv("UNREEL_TEST_FAULTS") == "long" {
		size = loop{jobs: 10_000, kills: 200, serverKills: 30}
	}
	seed := uint64(time.Now().UnixNano())
	if given, err := strconv.ParseUint(os.Getenv("UNREEL_TEST_SEED"), 10, 64); err == nil {
		seed = given
	}
	t.Logf("UNREEL_TEST_SEED=%d", seed)
	k := &killLoop{
		size: size, random: rand.New(rand.NewPCG(seed, 0)), oracle: newOracle(t),
		cluster:  harness.StartCluster(t, harness.Shape{Gateways: 2, Converters: 2, Notifiers: 2}),
		outcomes: outcomes(t),
	}
	k.cluster.Broker.Sync(t)
	k.user = harness.SignUp(t, k.cluster.URL, "ada@example.com")
	k.run(t)
}

// outcomes is what jobs can be: one in twenty is no video, one in twenty a broken one.
func outcomes(t *testing.T) []outcome {
	good := outcome{"good", mediatest.Bytes(t, mediatest.Spec{Seconds: 1, Container: "mkv"}), conversion.Completed, 1}
	broken, err := os.ReadFile(mediatest.Truncated(t, mediatest.Spec{Seconds: 1, Container: "mkv"}, 0.7))
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
	random   *rand.Rand
	oracle   *oracle
	cluster  *harness.Cluster
	user     *harness.User
	outcomes []outcome

	notifierKills int
}

func (k *killLoop) run(t *testing.T) {
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
	every := max(1, k.size.jobs/(k.size.kills+k.size.serverKills))
	kills := k.plan()
	for job := range k.size.jobs {
		jobs <- job
		if (job+1)%every == 0 && len(kills) > 0 {
			kills[0](t)
			kills = kills[1:]
		}
	}
	close(jobs)
	uploads.Wait()
	t.Logf("%d jobs accepted after %v", k.oracle.count(), time.Since(began).Round(time.Second))
	if k.oracle.count() != k.size.jobs {
		t.Fatalf("%d jobs accepted, want %d", k.oracle.count(), k.size.jobs)
	}
	k.settle(t)
	k.judge(t)
}

// plan is every kill of the loop, in random order.
func (k *killLoop) plan() []func(*testing.T) {
	var kills []func(*testing.T)
	processes := k.cluster.Processes()
	for range k.size.kills {
		victim := processes[k.random.IntN(len(processes))]
		kills = append(kills, func(t *testing.T) { k.killProcess(t, victim) })
	}
	servers := []interface {
		Kill(testing.TB)
		Restart(testing.TB)
	}{k.cluster.Database, k.cluster.Broker, k.cluster.Blobs}
	for i := range k.size.serverKills {
		victim := servers[i%len(servers)]
		kills = append(kills, func(t *testing.T) {
			t.Logf("kill -9 of %T", victim)
			victim.Kill(t)
			victim.Restart(t)
		})
	}
	k.random.Shuffle(len(kills), func(i, j int) { kills[i], kills[j] = kills[j], kills[i] })
	return kills
}

func (k *killLoop) killProcess(t *testing.T, victim *harness.Process) {
	for _, notifier := range k.cluster.Notifiers {
		if victim == notifier {
			k.notifierKills++
		}
	}
	t.Logf("kill -9 of %s", victim.Name())
	victim.Kill(t)
	victim.Start(t)
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
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/conversions", body)
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", form.FormDataContentType())
	request.Header.Set("Authorization", "Bearer "+k.user.Token)
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
func (k *killLoop) settle(t *testing.T) {
	for _, p := range k.cluster.Processes() {
		p.Ready(t)
	}
	db := k.database(t)
	// Two leases and a minute, and what the work itself takes on a busy machine.
	patience := 2*ledger.DefaultConfig().Lease + time.Minute + time.Duration(k.size.jobs)*2*time.Second
	began := time.Now()
	harness.Within(t, patience, "everything to settle", func() error {
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

func (k *killLoop) database(t *testing.T) *sql.DB {
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

func (k *killLoop) judge(t *testing.T) {
	// The token of the start may have expired.
	k.user.LogIn(t)
	get := getter(func() string { return k.cluster.URL }, k.user.Token)
	v := k.oracle.check(t, get, k.cluster.Mails)
	t.Logf("%+v after %d kills of notifiers", v, k.notifierKills)
	if v.mailedTwice > k.notifierKills+k.size.serverKills {
		t.Errorf("%d mails came twice, for %d kills of notifiers and %d of servers", v.mailedTwice, k.notifierKills, k.size.serverKills)
	}
	var rows int
	db := k.database(t)
	if err := db.QueryRow(`SELECT COUNT(*) FROM conversions WHERE status <> 'deleted'`).Scan(&rows); err != nil {
		t.Fatal(err)
	}
	if rows != k.size.jobs {
		t.Errorf("%d conversions for %d jobs", rows, k.size.jobs)
	}
	k.judgeFiles(t, v)
}

// judgeFiles wants one video for each job and one MP3 for each completed one, and chunks of nothing else.
func (k *killLoop) judgeFiles(t *testing.T, v verdict) {
	client, err := mongo.Connect(options.Client().ApplyURI(k.cluster.Blobs.URL()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(context.WithoutCancel(t.Context())) })
	deleted := map[string]bool{}
	for _, id := range k.deletedIDs(t) {
		deleted[id] = true
	}
	for database, want := range map[string]int{"videos": k.size.jobs, "mp3s": v.completed} {
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

func (k *killLoop) deletedIDs(t *testing.T) []string {
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
