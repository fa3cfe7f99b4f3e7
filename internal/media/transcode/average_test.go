package transcode_test

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mediatest"
	"github.com/unreel/unreel/internal/media/mp3"
	"github.com/unreel/unreel/internal/media/transcode"
)

// TestAverageBitrate: the mean is about what was asked for, as far as MP3 has it, and the header says what LAME's own would.
// LAME aims at it and no more: of steady noise it stays up to a third away.
func TestAverageBitrate(t *testing.T) {
	for name, test := range map[string]struct {
		rate, abr int
		used      int // kbit/s
		says      string
	}{
		"one that no constant bitrate is": {44100, 135, 135, "abr135"},
		"less than MPEG-1 has":            {48000, 8, 32, "abr32"},
		"more than MPEG-2 has":            {24000, 200, 160, "abr160"},
	} {
		t.Run(name, func(t *testing.T) {
			got, raw := on(t, 1, transcode.Job{
				Source:  mediatest.Video(t, mediatest.Spec{Seconds: 6, Rate: test.rate, Sound: mediatest.Noise}),
				Options: conversion.Options{ABR: test.abr, SampleRate: test.rate},
			})
			if off := got.Bitrate - 1000*test.used; off < -1000*test.used/3 || off > 1000*test.used/3 {
				t.Errorf("%d bit/s, want about %d kbit/s", got.Bitrate, test.used)
			}
			if warned := strings.Contains(strings.Join(got.Warnings, ""), "kbit/s were used"); warned != (test.used != test.abr) {
				t.Errorf("warnings %q", got.Warnings)
			}
			stats, err := mp3.Inspect(bytes.NewReader(raw))
			if err != nil {
				t.Fatal(err)
			}
			if info := stats.Info; !info.VBR || info.Method != mp3.MethodABR || info.Bitrate != test.used || info.Quality != 57 {
				t.Errorf("the header says %t, method %d, %d kbit/s, quality %d", info.VBR, info.Method, info.Bitrate, info.Quality)
			}
			if says := player(t, raw); !strings.Contains(says, " "+test.says+" ") {
				t.Errorf("want %s, mpg123 says %s", test.says, says)
			}
		})
	}
}

// player is what mpg123 says of an MP3 that it plays to the end.
func player(t *testing.T, raw []byte) string {
	t.Helper()
	log, err := exec.Command("mpg123", "-v", "-t", mediatest.File(t, "in.mp3", raw)).CombinedOutput()
	if err != nil {
		t.Fatalf("mpg123: %v: %s", err, log)
	}
	for line := range strings.SplitSeq(string(log), "\n") {
		if strings.HasPrefix(line, "MPEG ") {
			return line
		}
	}
	t.Fatalf("mpg123 says nothing of the format: %s", log)
	return ""
}
