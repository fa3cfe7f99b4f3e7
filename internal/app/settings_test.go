package app

import (
	"errors"
	"strings"
	"testing"
	"time"
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
		if (err == nil) != good || err != nil && (!strings.Contains(err.Error(), "UNREEL_DATABASE") || strings.Contains(err.Error(), "secret")) {
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

func TestNetwork(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.0/8": "10.0.0.0/8", "10.1.2.3/8": "10.0.0.0/8", "192.0.2.1": "192.0.2.1/32", "fd00::1": "fd00::1/128",
	} {
		var got Network
		if err := got.UnmarshalText([]byte(text)); err != nil || got.String() != want {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "10", "10.0.0.0/33", "proxy", "10.0.0.0-10.0.0.9"} {
		var got Network
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as %s", text, got)
		}
	}
}

// alone is what kong makes of no settings at all.
func alone() Settings {
	var s Settings
	s.Data, s.MailFrom, s.Addr, s.AdminAddr = "./data", "Unreel <unreel@localhost>", ":8080", "127.0.0.1:9090"
	s.MaxUpload, s.MaxDuration, s.Retention = 4<<30, 12*time.Hour, 720*time.Hour
	s.Signup, s.RateLimit, s.LogLevel = "open", "on", "info"
	return s
}

func TestCompleteAlone(t *testing.T) {
	s := alone()
	if err := s.completeAlone(); err != nil {
		t.Fatal(err)
	}
	if s.Database != "sqlite:data/unreel.db" || s.Blobs != "file:data/blobs" || s.Mail != "file:data/mail" || s.Queue != "local:" ||
		s.PublicURL != "http://localhost:8080" || s.Converters < 1 {
		t.Errorf("got %+v", s)
	}
	for _, base := range []string{"https://h/?q=1", "https://h#f", "https://ada:secret@h", "ftp://h", "https:"} {
		s := alone()
		s.PublicURL = base
		if err := s.completeAlone(); err == nil || !strings.Contains(err.Error(), "UNREEL_PUBLIC_URL") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", base, err)
		}
	}
	for _, address := range []string{"127.0.0.1:http", ":99999", ":-1", "localhost", ":"} {
		s := alone()
		s.Addr = address
		err := s.completeAlone()
		var refused *SettingError
		if !errors.As(err, &refused) || refused.Variable != "UNREEL_ADDR" || strings.Contains(err.Error(), "UNREEL_PUBLIC_URL") {
			t.Errorf("%s: %v", address, err)
		}
	}
	for variable, spoil := range map[string]func(*Settings){
		"UNREEL_ADDR":         func(s *Settings) { s.Addr = "8080" },
		"UNREEL_ADMIN_ADDR":   func(s *Settings) { s.AdminAddr = "" },
		"UNREEL_AUTH_ADDR":    func(s *Settings) { s.AuthAddr = "auth" },
		"UNREEL_PUBLIC_URL":   func(s *Settings) { s.PublicURL = "mp3.example.com" },
		"UNREEL_MAIL_FROM":    func(s *Settings) { s.MailFrom = "Unreel" },
		"UNREEL_SIGNUP":       func(s *Settings) { s.Signup = "maybe" },
		"UNREEL_RATE_LIMIT":   func(s *Settings) { s.RateLimit = "off " },
		"UNREEL_MAX_UPLOAD":   func(s *Settings) { s.MaxUpload = 0 },
		"UNREEL_MAX_DURATION": func(s *Settings) { s.MaxDuration = 0 },
		"UNREEL_RETENTION":    func(s *Settings) { s.Retention = -1 },
		"UNREEL_SANDBOX":      func(s *Settings) { s.Sandbox = "off" },
		"UNREEL_CONVERTERS":   func(s *Settings) { s.Converters = -1 },
		"UNREEL_DATABASE":     func(s *Settings) { s.Database = "postgres://ada:secret@h/x" },
		"UNREEL_BLOBS":        func(s *Settings) { s.Blobs = "./blobs" },
		"UNREEL_QUEUE":        func(s *Settings) { s.Queue = "kafka:" },
		"UNREEL_MAIL":         func(s *Settings) { s.Mail = "pigeon:" },
	} {
		s := alone()
		spoil(&s)
		err := s.completeAlone()
		var refused *SettingError
		if !errors.As(err, &refused) || refused.Variable != variable || refused.Remedy == "" || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", variable, err)
		}
	}
}

// TestOpenTellsNoPassword opens databases whose URLs cannot work for other reasons than their scheme.
func TestOpenTellsNoPassword(t *testing.T) {
	for _, text := range []string{
		"mysql://ada:secret%zz@h/x", "mysql://ada:secret@h:port/x", "mysql:ada:secret@tcp(h)/x", "mysql://ada:secret@h/",
	} {
		s := alone()
		s.Database = text
		db, err := openDatabase(s)
		if err == nil {
			db.Close()
			continue // refused when it is used
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
