package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"sync"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/transcode"
)

// convertReport tells how the files of a call fare.
type convertReport struct {
	mu   sync.Mutex
	out  io.Writer // nil: it takes the MP3
	err  io.Writer
	json bool
	only bool  // there is one file, whose error the command returns
	lost error // what kept lines of JSON from being written
	bars *convertBars
}

// convertLine is what --json prints of a file.
type convertLine struct {
	File   string        `json:"file"`
	Output string        `json:"output,omitempty"`
	Video  *convertVideo `json:"video,omitempty"`
	MP3    *api.MP3      `json:"mp3"`
	Error  *api.Failure  `json:"error"`
}

// convertVideo is what is known of a video here, where nobody needs its SHA-256.
type convertVideo struct {
	Size     int64   `json:"size"`     // bytes
	Duration float64 `json:"duration"` // of its sound, seconds
	Codec    string  `json:"codec"`
}

func newConvertReport(streams *IO, json bool, targets []convertTarget) *convertReport {
	r := &convertReport{
		out: streams.Out, err: streams.Err, json: json, only: len(targets) == 1, bars: newConvertBars(streams.Err),
	}
	if targets[0].out != nil {
		r.out = nil
	}
	return r
}

// begin returns what takes the progress of a file.
func (r *convertReport) begin(target convertTarget) func(transcode.Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bars.add(target.source)
	return func(now transcode.Progress) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.bars.set(target.source, now)
	}
}

// ended tells the end of a file.
func (r *convertReport) ended(target convertTarget, result transcode.Result, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bars.remove(target.source)
	switch {
	case r.json:
		r.lost = errors.Join(r.lost, writeJSON(r.out, lineOf(target, result, err)))
	case err != nil && !r.only:
		fmt.Fprintln(r.err, "unreel:", failureOf(target, err))
	case err == nil:
		r.describe(target, result.MP3)
	}
	r.bars.draw()
}

func (r *convertReport) describe(target convertTarget, made conversion.MP3) {
	for _, warning := range made.Warnings {
		fmt.Fprintf(r.err, "unreel: %s: warning: %s\n", printable(target.source), printable(warning))
	}
	if r.out == nil {
		return
	}
	channels := map[int]string{1: "mono", 2: "stereo"}[made.Channels]
	loudness, copied := "", ""
	if made.Loudness != 0 {
		loudness = fmt.Sprintf("%.1f LUFS", made.Loudness)
	}
	if made.Copied {
		copied = "copied without loss"
	}
	fmt.Fprintf(r.out, "%s: %s\n", printable(target.path), join(size(made.Size), length(made.Duration.Seconds()),
		fmt.Sprintf("%d kbit/s", (made.Bitrate+500)/1000), fmt.Sprintf("%d Hz", made.SampleRate), channels, loudness, copied))
}

// close takes the bars off the screen.
func (r *convertReport) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bars.clear()
}

// failureOf is a file's error in words for people.
func failureOf(target convertTarget, err error) error {
	reason := reasonOf(target, err)
	if failure, ok := errors.AsType[*conversion.Failure](err); ok {
		reason = failure.Slug.Title() + ". " + failure.Detail
	}
	return errors.New(printable(target.source + ": " + reason))
}

// reasonOf is an error that is no fault of the file's content, without the file's name: that stands before it already.
func reasonOf(target convertTarget, err error) string {
	if errors.Is(err, transcode.ErrNoFile) {
		return transcode.ErrNoFile.Error()
	}
	whole, _ := filepath.Abs(target.source) // its error came before
	if path, ok := errors.AsType[*fs.PathError](err); ok && (path.Path == target.source || path.Path == whole) {
		return path.Err.Error()
	}
	return err.Error()
}

func lineOf(target convertTarget, result transcode.Result, err error) convertLine {
	line := convertLine{File: target.source}
	if err != nil {
		line.Error = &api.Failure{
			Type: conversion.Internal.Type(), Title: "The file cannot be converted here", Detail: reasonOf(target, err),
		}
		if failure, ok := errors.AsType[*conversion.Failure](err); ok {
			line.Error = api.PresentFailure(failure)
		}
		return line
	}
	made := result.MP3
	line.Output = target.path
	line.Video = &convertVideo{
		Size: result.Source.Size, Duration: result.Track.Duration.Seconds(), Codec: result.Track.Codec,
	}
	line.MP3 = api.PresentMP3(&made)
	return line
}
