package transcode

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// loudness is what EBU R128 measures of a sound.
type loudness struct {
	integrated float64 // LUFS
	threshold  float64 // LUFS, of the gate
	span       float64 // LRA, LU
	peak       float64 // true peak, dBTP
}

// peakLimit is the highest true peak that is left after a change of loudness, in dBTP: EBU R128 s1.
const peakLimit = -1.0

// measurable tells whether there was enough sound, loud enough, to measure: R128 ignores below -70 LUFS.
func (l loudness) measurable() bool {
	return l.integrated > -70 && !math.IsInf(l.peak, 0)
}

// filter is the second pass: one gain for all where the peaks allow it, else a slow one with a limiter.
func (l loudness) filter(target float64) string {
	if gain := target - l.integrated; l.peak+gain <= peakLimit {
		return fmt.Sprintf("volume=%.2fdB:precision=float", gain)
	}
	return fmt.Sprintf("loudnorm=I=%.2f:TP=%.1f:LRA=%.1f:measured_I=%.2f:measured_TP=%.2f:measured_LRA=%.2f:measured_thresh=%.2f",
		target, peakLimit, min(max(l.span, 1), 50), l.integrated, min(l.peak, 99), l.span, l.threshold)
}

// The lines of the filter's summary, which come in sections.
var measured = regexp.MustCompile(`^\s*(I|Threshold|LRA|Peak):\s+(\S+) (LUFS|LU|dBFS)`)

// parseLoudness reads the summary of ffmpeg's filter ebur128.
func parseLoudness(lines []string) (loudness, error) {
	found := map[string]float64{}
	for _, line := range lines {
		match := measured.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		value, err := strconv.ParseFloat(match[2], 64)
		if err != nil {
			return loudness{}, fmt.Errorf("measure loudness: %w", err)
		}
		if _, seen := found[match[1]]; !seen { // the first Threshold is that of I
			found[match[1]] = value
		}
	}
	if _, ok := found["I"]; !ok {
		return loudness{}, fmt.Errorf("measure loudness: no result")
	}
	peak, ok := found["Peak"]
	if !ok {
		peak = math.Inf(-1)
	}
	return loudness{integrated: found["I"], threshold: found["Threshold"], span: found["LRA"], peak: peak}, nil
}

// measure is the first pass: what the encoder would get.
func (r *run) measure(ctx context.Context, p *plan) (*loudness, error) {
	filters := append(p.timing(), p.mixing()...)
	filters = append(filters, "ebur128=peak=true:framelog=verbose")
	args := append(r.input(p), "-af", strings.Join(filters, ","), "-f", "null", "-")
	end, err := r.ffmpeg(ctx, p, quiet(args), nil)
	if err != nil {
		return nil, err
	}
	if err := r.judge(p, end, len(end.log.summary) > 0); err != nil {
		return nil, err
	}
	loud, err := parseLoudness(end.log.summary)
	if err != nil {
		return nil, err
	}
	return &loud, nil
}

// measureMP3 measures what was written, in LUFS.
func (r *run) measureMP3(ctx context.Context, path string, length time.Duration) (float64, error) {
	p := &plan{source: Source{Path: path}, track: Track{Codec: "mp3", Duration: length}}
	args := append(r.input(p), "-af", "ebur128=framelog=verbose", "-f", "null", "-")
	end, err := r.ffmpeg(ctx, p, quiet(args), nil)
	if err != nil {
		return 0, err
	}
	loud, err := parseLoudness(end.log.summary)
	return loud.integrated, err
}

// quiet raises the log level above that at which ebur128 tells of every frame.
func quiet(args []string) []string {
	for i, arg := range args {
		if arg == "level+verbose" {
			args[i] = "level+info"
		}
	}
	return args
}
