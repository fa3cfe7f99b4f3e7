package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
)

// manyConversions serves 250 of them, in pages, and notes the queries.
func manyConversions(t *testing.T, queries *[]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		*queries = append(*queries, r.URL.RawQuery)
		limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
		if err != nil || limit < 1 || limit > 100 {
			t.Errorf("limit %q", r.URL.Query().Get("limit"))
		}
		first, _ := strconv.Atoi(r.URL.Query().Get("cursor"))
		page := api.ConversionList{Conversions: []api.Conversion{}}
		for i := first; i < first+limit && i < 250; i++ {
			page.Conversions = append(page.Conversions, queued(fmt.Sprintf("%024x", i), "a.mp4"))
		}
		if first+limit < 250 {
			page.NextCursor = strconv.Itoa(first + limit)
		}
		answer(http.StatusOK, page)(w, r)
	}
}

func TestListPages(t *testing.T) {
	tests := []struct {
		arguments string
		rows      int
		queries   []string
	}{
		{"", 20, []string{"limit=20"}},
		{"--limit 1", 1, []string{"limit=1"}},
		{"--limit 130", 130, []string{"limit=100", "cursor=100&limit=30"}},
		{"--all", 250, []string{"limit=100", "cursor=100&limit=100", "cursor=200&limit=100"}},
		{"--limit 1000", 250, []string{"limit=100", "cursor=100&limit=100", "cursor=200&limit=100"}},
		{"--status failed --limit 2", 2, []string{"limit=2&status=failed"}},
	}
	for _, test := range tests {
		t.Run(test.arguments, func(t *testing.T) {
			var queries []string
			server := fakeGateway(t, map[string]http.HandlerFunc{"GET /v1/conversions": manyConversions(t, &queries)})
			loggedIn(t, server.URL)
			ran := run(t, append([]string{"list", "--json"}, strings.Fields(test.arguments)...)...)
			ran.expect(t, exitDone)
			lines := strings.Split(strings.TrimSpace(ran.out), "\n")
			for i, line := range lines {
				var one api.Conversion
				if err := json.Unmarshal([]byte(line), &one); err != nil || one.ID != fmt.Sprintf("%024x", i) {
					t.Fatalf("line %d is %q: %v", i, line, err)
				}
			}
			if len(lines) != test.rows {
				t.Errorf("%d rows, want %d", len(lines), test.rows)
			}
			for i := range queries {
				queries[i] = sorted(queries[i])
			}
			if diff := cmp.Diff(test.queries, queries); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func sorted(query string) string {
	values := map[string]string{}
	for pair := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		values[name] = pair
	}
	var kept []string
	for _, name := range []string{"cursor", "limit", "status"} {
		if values[name] != "" {
			kept = append(kept, values[name])
		}
	}
	return strings.Join(kept, "&")
}

func TestListIsATable(t *testing.T) {
	page := api.ConversionList{Conversions: []api.Conversion{
		completed(testID, "talk.mp4"), failed("6b033c4259dafd7437a38152", "evil\x1b[2J.mp4"),
	}}
	server := fakeGateway(t, map[string]http.HandlerFunc{"GET /v1/conversions": answer(http.StatusOK, page)})
	loggedIn(t, server.URL)
	ran := run(t, "list")
	ran.expect(t, exitDone)
	when := page.Conversions[0].CreatedAt.Local().Format("2006-01-02 15:04")
	want := "" +
		"ID                        STATUS       DONE  CREATED             LENGTH  VIDEO\n" +
		"6b033c4259dafd7437a38151  completed   100 %  " + when + "     10:00  talk.mp4\n" +
		"6b033c4259dafd7437a38152  failed        0 %  " + when + "            evil?[2J.mp4\n"
	if diff := cmp.Diff(want, ran.out); diff != "" {
		t.Error(diff)
	}
}

func TestListRefusesWhatMakesNoSense(t *testing.T) {
	fresh(t)
	run(t, "list", "--limit", "0").expect(t, exitUsage, "--limit")
	run(t, "list", "--status", "receiving").expect(t, exitUsage, "--status")
}

func TestStatusInWords(t *testing.T) {
	converting := queued(testID, "talk.mp4")
	converting.Status, converting.Progress, converting.QueuePosition = conversion.Converting, 0.42, 0
	done := completed(testID, "talk.mp4")
	done.MP3.Loudness, done.MP3.Warnings = -16.2, []string{"It ends early."}
	done.Options = conversion.Options{Bitrate: 128, Title: "T"}
	begun := "Created   " + queued(testID, "").CreatedAt.Local().Format(time.DateTime) + "\n"
	tests := []struct {
		name string
		one  api.Conversion
		want string
	}{
		{"queued", queued(testID, "talk.mp4"), "" +
			"ID        6b033c4259dafd7437a38151\n" +
			"Video     talk.mp4, 123 MB\n" +
			"Status    queued, number 3 in line\n" + begun},
		{"converting", converting, "" +
			"ID        6b033c4259dafd7437a38151\n" +
			"Video     talk.mp4, 123 MB\n" +
			"Status    converting, 42 %\n" + begun},
		{"completed", done, "" +
			"ID        6b033c4259dafd7437a38151\n" +
			"Video     talk.mp4, 123 MB, 10:00, aac\n" +
			"Status    completed\n" +
			"MP3       9.6 MB, 10:00, 128 kbit/s, 48000 Hz, stereo, -16.2 LUFS\n" +
			"Warning   It ends early.\n" +
			"Options   bitrate=128, title=T\n" + begun},
		{"failed", failed(testID, "talk.mp4"), "" +
			"ID        6b033c4259dafd7437a38151\n" +
			"Video     talk.mp4, 123 MB\n" +
			"Status    failed\n" +
			"Reason    The video has no sound: Add some.\n" + begun},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := fakeGateway(t, map[string]http.HandlerFunc{"GET /v1/conversions/" + testID: answer(http.StatusOK, test.one)})
			loggedIn(t, server.URL)
			ran := run(t, "status", testID)
			ran.expect(t, exitDone)
			if diff := cmp.Diff(test.want, ran.out); diff != "" {
				t.Error(diff)
			}
			ran = run(t, "status", "--json", testID)
			ran.expect(t, exitDone)
			var one api.Conversion
			if err := json.Unmarshal([]byte(ran.out), &one); err != nil || strings.Count(ran.out, "\n") != 1 {
				t.Fatalf("printed %q: %v", ran.out, err)
			}
			if diff := cmp.Diff(test.one, one); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRetryAndDelete(t *testing.T) {
	server := fakeGateway(t, map[string]http.HandlerFunc{
		"POST /v1/conversions/" + testID + "/retry": answer(http.StatusAccepted, queued(testID, "talk.mp4")),
		"DELETE /v1/conversions/" + testID:          func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
	})
	loggedIn(t, server.URL)
	ran := run(t, "retry", testID)
	ran.expect(t, exitDone)
	if ran.out != testID+"  queued  talk.mp4\n" {
		t.Errorf("printed %q", ran.out)
	}
	ran = run(t, "delete", testID)
	ran.expect(t, exitDone)
	if ran.out != testID+"  deleted\n" {
		t.Errorf("printed %q", ran.out)
	}
}

func TestCommandsSayWhatTheServerSays(t *testing.T) {
	gone := refuse(http.StatusNotFound, "not-found", "You have no conversion with this id.")
	server := fakeGateway(t, map[string]http.HandlerFunc{
		"/v1/conversions/{id}": gone, "/v1/conversions/{id}/{rest}": gone,
	})
	loggedIn(t, server.URL)
	for _, command := range []string{"status", "retry", "delete", "download", "watch"} {
		run(t, command, testID).expect(t, exitFailed, "unreel: You have no conversion with this id.\n")
		run(t, command, "no-id").expect(t, exitUsage, "24 hexadecimal digits")
	}
}

func TestLengths(t *testing.T) {
	tests := []struct {
		seconds float64
		want    string
	}{{0, ""}, {-1, ""}, {0.4, "0:00"}, {59.6, "1:00"}, {61, "1:01"}, {3599.7, "1:00:00"}, {36061, "10:01:01"}}
	for _, test := range tests {
		if got := length(test.seconds); got != test.want {
			t.Errorf("%v: got %q, want %q", test.seconds, got, test.want)
		}
	}
}
