package app

import (
	"errors"
	"strings"
	"testing"
)

// TestRedact wants no password in what a start that is refused says, however the URL is miswritten.
func TestRedact(t *testing.T) {
	for text, want := range map[string]string{
		"mysql://user:secret@host:3306/unreel":           "mysql://user:xxxxx@host:3306/unreel",
		"amqp://host:5672/":                              "amqp://host:5672/",
		"sqlite:/data/unreel.db":                         "sqlite:/data/unreel.db",
		"file:data/blobs":                                "file:data/blobs",
		"postgres":                                       "postgres",
		"":                                               "",
		"mysql://user:sec%zzret@host/unreel":             "mysql://…",
		"mysql://user:sec ret@host/unreel":               "mysql://…",
		"smtp://user:secret@host:port":                   "smtp://…",
		"mysql:user:secret@tcp(host:3306)/unreel":        "…",
		"user:secret@tcp(localhost:3306)/unreel":         "…",
		"secret@host":                                    "…",
		"mysql://user:secret/with/slash@host:3306/unrel": "mysql://…",
	} {
		if got := redact(text); got != want || strings.Contains(got, "secret") || strings.Contains(got, "ret@") {
			t.Errorf("redact(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestCheckScheme(t *testing.T) {
	for value, good := range map[string]bool{
		"sqlite:x": true, "mysql://h/x": true, "sqlite": false, "postgres://u:secret@h/x": false, "": false, ":": false, "SQLITE:x": false,
	} {
		err := checkScheme("UNREEL_DATABASE", value, []string{"sqlite", "mysql"})
		var refused *SettingError
		if (err == nil) != good || err != nil && (!errors.As(err, &refused) || !strings.Contains(err.Error(), "UNREEL_DATABASE") || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func TestBytes(t *testing.T) {
	for text, want := range map[string]Bytes{"4GiB": 4 << 30, "500MB": 500_000_000, "1": 1, "1.5 KiB": 1536, "0": 0} {
		var got Bytes
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "-1", "-1GB", "much", "NaN", "Inf", "1e99", "100EiB", "4 gigs"} {
		var got Bytes
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as %d", text, got)
		}
	}
}
