package transcode

import (
	"fmt"
	"math"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mp3"
)

// encodedInfo is the header of an MP3 of so many samples: LAME puts 576 in front.
func (p *plan) encodedInfo(meter *mp3.Meter, samples int64) mp3.Info {
	const lameDelay = 576
	info := meter.Info()
	info.Encoder = "LAME3.100"
	info.Delay = lameDelay
	if samples > 0 {
		info.Padding = int(max(meter.Samples()-lameDelay-p.heard(samples), 0))
	}
	switch {
	case p.abr > 0:
		// LAME says so even where all frames came out alike, and its own quality, which nobody asked for.
		info.VBR, info.Method, info.Bitrate, info.Quality = true, mp3.MethodABR, p.abr, 57
	case info.VBR && p.bitrate == 0:
		info.Quality = uint32(100 - 10*p.options.Quality())
	}
	return info
}

// heard is how many of the samples players of the source would play. Where an MP4 says exactly when the sound
// ends, the rest of the last frames of the source's codec lies behind that: less than AAC's longest frame and
// one of an MP3 that was encoded with another's delay.
func (p *plan) heard(samples int64) int64 {
	wanted := int64(math.Round(p.expected.Seconds() * float64(p.rate)))
	if p.track.exact && p.source.is("mov") && samples > wanted && samples-wanted < 2048+1152 {
		return wanted
	}
	return samples
}

// describe is what the owner is told.
func (p *plan) describe(done finished, end ending) conversion.MP3 {
	made := conversion.MP3{
		Size: done.size, SHA256: done.sha256, Duration: done.Duration,
		Bitrate: done.Bitrate, SampleRate: done.SampleRate, Channels: done.Channels,
	}
	made.Warnings = append(made.Warnings, p.warnings...)
	made.Warnings = append(made.Warnings, p.shortfall(done.Duration, end.log)...)
	return made
}

// shortfall says what of the sound is missing.
func (p *plan) shortfall(length time.Duration, log *stderr) []string {
	var warnings []string
	missing := p.expected - length
	cut := p.source.cutOff || log.says("File ended prematurely", "partial file", "Truncat", "truncat")
	tolerated := 500*time.Millisecond + p.expected/1000
	if p.expected > 0 && missing > tolerated && (p.track.exact || cut) {
		warnings = append(warnings, fmt.Sprintf("only %s of %s could be read: the file seems to be cut off",
			clockText(length), clockText(p.expected)))
	}
	if len(warnings) == 0 && p.source.cutOff && p.options.End == nil {
		warnings = append(warnings, "the file is shorter than it says: its end is missing")
	}
	if log.damaged > 0 {
		warnings = append(warnings, fmt.Sprintf("%d damaged pieces of the sound could not be read", log.damaged))
	}
	if len(warnings) == 0 && log.broken {
		warnings = append(warnings, "the file is damaged in places: some of the sound may be missing there")
	}
	return warnings
}

// found is how long the track is, now that all of it was heard: some containers only let that be guessed.
func (p *plan) found(length time.Duration) time.Duration {
	if p.track.exact || p.source.cutOff || p.options.Start != nil || p.options.End != nil {
		return p.track.Duration
	}
	return length - max(p.source.lead(p.track), 0)
}
