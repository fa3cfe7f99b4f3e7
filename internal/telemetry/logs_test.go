package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRedact(t *testing.T) {
	for text, want := range map[string]string{
		"nothing to hide": "nothing to hide",
		"ada@example.org": "a…@example.org",
		"to Ada <ada.lovelace+x@example.org>, bob@b":        "to Ada <a…@example.org>, b…@b",
		`{"to":"ünal@example.org"}`:                         `{"to":"ü…@example.org"}`,
		"a…@example.org":                                    "a…@example.org",
		"dial amqp://user:s3cr,et@host:5672/":               "dial amqp://…@host:5672/",
		"http://host/path":                                  "http://host/path",
		"GET /v1/x/mp3?expires=1&signature=abc_-9":          "GET /v1/x/mp3?expires=1&signature=…",
		"Authorization: Bearer abcdefghij.klm":              "Authorization: Bearer …",
		"Basic YWRhOnNlY3JldA==":                            "Basic …",
		"key unreel_0123456789abcdefXYZ":                    "key unreel_…",
		"token eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2ln-_": "token (token)",
		"an @ alone, and @home":                             "an @ alone, and @home",
	} {
		if got := redact(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

// FuzzRedact wants no address to come through, however it is wrapped, and nothing to be redacted twice.
func FuzzRedact(f *testing.F) {
	f.Add("", "")
	f.Add("<", ">")
	f.Add("=", "&x")
	f.Fuzz(func(t *testing.T, before, after string) {
		text := before + "ada.lovelace@example.org" + after
		got := redact(text)
		if strings.Contains(got, "lovelace@example") {
			t.Errorf("%q becomes %q", text, got)
		}
		if again := redact(got); again != got {
			t.Errorf("%q becomes %q, and then %q", text, got, again)
		}
	})
}

func TestLogger(t *testing.T) {
	var out bytes.Buffer
	logger := NewLogger(&out, slog.LevelInfo, false)
	line := func() map[string]any {
		t.Helper()
		if count := bytes.Count(out.Bytes(), []byte("\n")); count != 1 {
			t.Fatalf("%d lines: %s", count, out.Bytes())
		}
		var got map[string]any
		if err := json.Unmarshal(out.Bytes(), &got); err != nil {
			t.Fatalf("%v: %s", err, out.Bytes())
		}
		out.Reset()
		delete(got, "time")
		return got
	}
	ctx := WithConversion(WithTraceparent(context.Background(), parent), "6b033c4259dafd7437a38151")
	place := map[string]any{"conversion": "6b033c4259dafd7437a38151", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}

	logger.InfoContext(ctx, "about ada@example.org", "error", errors.New("550 <ada@example.org> unknown"))
	want := map[string]any{"level": "INFO", "msg": "about a…@example.org", "error": "550 <a…@example.org> unknown"}
	maps.Copy(want, place)
	if diff := cmp.Diff(want, line()); diff != "" {
		t.Errorf("line (-want +got):\n%s", diff)
	}

	// A conversion that is named already is not named twice, which JSON would not bear.
	for name, log := range map[string]func(){
		"in the line":   func() { logger.InfoContext(ctx, "x", "conversion", "mine") },
		"in the logger": func() { logger.With("conversion", "mine").With("y", 1).InfoContext(ctx, "x") },
	} {
		log()
		if count := bytes.Count(out.Bytes(), []byte(`"conversion"`)); count != 1 {
			t.Errorf("%s: conversion is there %d times: %s", name, count, out.Bytes())
		}
		if got := line(); got["conversion"] != "mine" {
			t.Errorf("%s: %v", name, got)
		}
	}

	logger.InfoContext(context.Background(), "x", "n", 1)
	if diff := cmp.Diff(map[string]any{"level": "INFO", "msg": "x", "n": 1.0}, line()); diff != "" {
		t.Errorf("line of nothing in particular (-want +got):\n%s", diff)
	}
	logger.DebugContext(ctx, "too much")
	if out.Len() > 0 {
		t.Errorf("below the level: %s", out.Bytes())
	}
	NewLogger(&out, slog.LevelDebug, true).DebugContext(ctx, "for people", "to", "ada@example.org")
	if got := out.String(); strings.HasPrefix(got, "{") || !strings.Contains(got, "a…@example.org") || !strings.Contains(got, "conversion=6b03") {
		t.Errorf("for people: %s", got)
	}
}
