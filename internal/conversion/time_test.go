package conversion_test

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/unreel/unreel/internal/conversion"
)

func TestParseTime(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "12.5": 12500 * time.Millisecond, "90": 90 * time.Second, ".5": 500 * time.Millisecond, "5.": 5 * time.Second,
		"1:02": 62 * time.Second, "01:02:03.5": time.Hour + 2*time.Minute + 3500*time.Millisecond,
		"100:00": 100 * time.Minute, "1000:00:00": 1000 * time.Hour, "0.0000001": 100,
	} {
		if got, err := conversion.ParseTime(text); err != nil || time.Duration(got) != want {
			t.Errorf("ParseTime(%q) = %v, %v; want %v", text, time.Duration(got), err, want)
		}
	}
	for _, text := range []string{
		"", ".", ":", "1:", ":1", "1:2:3:4", "-1", "+1", "1e3", "0x10", "Inf", "NaN", "1:60", "1:60:00", "1.5:00",
		"1..5", "1,5", " 1", "1 ", "1000:00:01", "3600001", "1_000", "٣",
	} {
		if got, err := conversion.ParseTime(text); err == nil {
			t.Errorf("ParseTime(%q) = %v, want an error", text, time.Duration(got))
		}
	}
}

// TestTimeRoundTrip stores every position that can be asked for and reads it back: a ledger that cannot read
// what it wrote is stuck.
func TestTimeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Small positions are rare among all of them, and the ones that JSON likes to write with an exponent.
		top := rapid.SampledFrom([]int64{2000, int64(time.Second), int64(1000 * time.Hour)}).Draw(t, "top")
		want := conversion.Time(rapid.Int64Range(0, top).Draw(t, "position"))
		raw, err := json.Marshal(&want)
		if err != nil {
			t.Fatal(err)
		}
		var got conversion.Time
		if err := json.Unmarshal(raw, &got); err != nil || got != want {
			t.Fatalf("%d ns was written as %s and read as %d, %v", want, raw, got, err)
		}
	})
}

func TestTimeJSON(t *testing.T) {
	for raw, want := range map[string]time.Duration{
		`12.5`: 12500 * time.Millisecond, `"1:02"`: 62 * time.Second, `"7"`: 7 * time.Second, `0`: 0,
	} {
		var got conversion.Time
		if err := json.Unmarshal([]byte(raw), &got); err != nil || time.Duration(got) != want {
			t.Errorf("%s is read as %v, %v; want %v", raw, time.Duration(got), err, want)
		}
	}
	for _, raw := range []string{`-1`, `true`, `{}`, `[1]`, `"soon"`, `""`, `1e99`} {
		var got conversion.Time
		if err := json.Unmarshal([]byte(raw), &got); err == nil {
			t.Errorf("%s is read as %v, want an error", raw, time.Duration(got))
		}
	}
}

func FuzzParseTime(f *testing.F) {
	for _, seed := range []string{"12.5", "1:02", "01:02:03.5", "1e9", "", ".", "99999999999999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := conversion.ParseTime(text)
		if err == nil && (got < 0 || time.Duration(got) > 1000*time.Hour) {
			t.Errorf("ParseTime(%q) = %v", text, time.Duration(got))
		}
	})
}
