package faults

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/internal/store/database"
	"github.com/unreel/unreel/test/harness"
)

// TestPromises kills a system at the moment in which it says something that it must keep to.
func TestPromises(t *testing.T) {
	for range inLong(1, 20) {
		if err := keepsPromises(t, ""); err != nil {
			t.Error(err)
		}
	}
}

// TestPromisesOfMutants makes the system wrong on purpose, and wants that to be noticed.
func TestPromisesOfMutants(t *testing.T) {
	for _, name := range []string{"ack-before-commit", "202-before-commit", "no-relay"} {
		t.Run(name, func(t *testing.T) {
			err := keepsPromises(t, name)
			if err == nil {
				t.Fatal("nobody has noticed")
			}
			t.Log(err)
		})
	}
}

// keepsPromises kills a system in one process right after its last 202, while another conversion waits of which the
// converter was told, and right after it has called the last conversion completed. It returns the first promise that
// was not kept.
func keepsPromises(t *testing.T, mutant string) error {
	public, data := harness.FreePort(t), t.TempDir()
	alone := &harness.Alone{Data: data, URL: "http://" + public}
	alone.Process = harness.Prepare(t, harness.Build(t, "faults"), "all", "UNREEL_DATA="+data, "UNREEL_ADDR="+public,
		"UNREEL_PUBLIC_URL="+alone.URL, "UNREEL_RATE_LIMIT=off", "UNREEL_CONVERTERS=1", "UNREEL_MUTANT="+mutant)
	alone.Start(t)
	alone.Ready(t)
	k := killLoop{cluster: &harness.Cluster{URL: alone.URL}, user: harness.SignUp(t, alone.URL, "ada@example.com")}

	// The first keeps the converter busy while the others wait.
	jobs := []outcome{
		{"long", mediatest.Bytes(t, mediatest.Spec{Seconds: 450, Container: "mkv", NoPicture: true, Bitrate: "32k"}), conversion.Completed, 450},
		outcomes(t)[0],
		outcomes(t)[0],
	}
	var ids []string
	for i, job := range jobs {
		if i == len(jobs)-1 {
			awaitHint(t, alone, ids[i-1])
		}
		id, err := k.send(t.Context(), alone.URL, fmt.Sprint("job-", i), job)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	alone.Kill(t)
	alone.Start(t)
	alone.Ready(t)
	if err := k.awaitCompleted(t, ids[len(ids)-1]); err != nil {
		return fmt.Errorf("killed after a 202: %w", err)
	}
	alone.Kill(t)
	alone.Start(t)
	alone.Ready(t)
	for i, id := range ids {
		if err := k.kept(t, id, jobs[i], alone.Mails); err != nil {
			return fmt.Errorf("killed after %s was completed: %w", ids[len(ids)-1], err)
		}
	}
	return nil
}

// awaitHint waits until the relay has told the converter of a conversion that waits.
func awaitHint(t *testing.T, alone *harness.Alone, id string) {
	t.Helper()
	db, err := database.Open("sqlite:" + filepath.Join(alone.Data, "unreel.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	harness.Within(t, time.Minute, "a hint at "+id, func() error {
		var status conversion.Status
		var wakes int
		query := `SELECT status, wakes FROM conversions WHERE id = ?`
		if err := db.QueryRow(t.Context(), query, []any{id}, &status, &wakes); err != nil {
			return err
		}
		if status != conversion.Receiving && status != conversion.Queued {
			t.Fatalf("%s is %s: nothing kept the converter busy", id, status)
		}
		if wakes == 0 {
			return fmt.Errorf("%s is %s", id, status)
		}
		return nil
	})
}

// awaitCompleted returns an error when a conversion can no longer be completed, or is not in good time.
func (k *killLoop) awaitCompleted(t *testing.T, id string) error {
	get := getter(func() string { return k.cluster.URL }, k.user.Token)
	deadline := time.After(inLong(20*time.Second, time.Minute))
	for {
		c, err := lookUp(get, id)
		switch {
		case err != nil:
			return err
		case c.Status == "completed":
			return nil
		case c.Status.Terminal():
			return fmt.Errorf("%s is %s", id, c.Status)
		}
		select {
		case <-deadline:
			return fmt.Errorf("%s is still %s", id, c.Status)
		case <-t.Context().Done():
			return t.Context().Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// kept returns what is missing of a conversion that was called completed: its MP3 or its one mail.
func (k *killLoop) kept(t *testing.T, id string, want outcome, mails func(testing.TB, string) []string) error {
	get := getter(func() string { return k.cluster.URL }, k.user.Token)
	c, err := lookUp(get, id)
	if err != nil || c.Status != "completed" {
		return fmt.Errorf("%s is %s: %w", id, c.Status, err)
	}
	if err := checkMP3(get, c, want); err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	return harness.Await(t, time.Minute, func() error {
		if count := len(mails(t, id)); count != 1 {
			return fmt.Errorf("%d mails about %s", count, id)
		}
		return nil
	})
}
