package transcode

import (
	"slices"
	"strconv"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/media/mp3"
)

// plan is what a run will do, decided before ffmpeg starts.
type plan struct {
	source   Source
	track    Track
	options  conversion.Options
	rate     int           // Hz, of the MP3
	channels int           // of the MP3
	bitrate  int           // kbit/s, constant; 0: another kind
	abr      int           // kbit/s, on average; 0: another kind
	expected time.Duration // of the MP3; 0: unknown
	warnings []string
}

// makePlan chooses the track and what it becomes. What can't be is a *conversion.Failure.
func (t *Transcoder) makePlan(source Source, options conversion.Options) (plan, error) {
	track, err := source.Track(options.Track)
	if err != nil {
		return plan{}, err
	}
	p := plan{source: source, track: track, options: options}
	switch {
	case track.Encrypted:
		return plan{}, encrypted()
	case track.Codec == "":
		return plan{}, undecodable("")
	}
	p.channels = 2
	if options.Mono || track.Channels == 1 {
		p.channels = 1
	}
	p.rate = options.SampleRate
	if p.rate == 0 {
		p.rate = nearestRate(track.SampleRate)
	}
	p.chooseBitrate()
	return p, p.chooseLength(t.config.MaxDuration)
}

// chooseLength refuses early what is sure to have no sound or too much. Where the duration is only estimated,
// that shows when the sound is there.
func (p *plan) chooseLength(limit time.Duration) error {
	if p.track.Duration == 0 {
		return nil
	}
	whole := p.track.Duration + max(p.source.lead(p.track), 0)
	p.expected = p.options.Cut(whole)
	switch {
	case !p.track.exact:
		return nil
	case p.expected == 0:
		return startsBehind(time.Duration(*p.options.Start), whole)
	case limit > 0 && p.expected > limit:
		return tooLong(limit)
	default:
		return nil
	}
}

// chooseBitrate takes the next bitrate that MP3 has at this sample rate, and says so. An average can be anything between
// the lowest and the highest of them.
func (p *plan) chooseBitrate() {
	rates := mp3.Bitrates(p.rate)
	lowest, highest := rates[0], rates[len(rates)-1]
	switch wanted := p.options; {
	case wanted.Bitrate > 0:
		at, _ := slices.BinarySearch(rates, wanted.Bitrate)
		p.bitrate = rates[min(at, len(rates)-1)]
		p.warnOfBitrate(wanted.Bitrate, p.bitrate)
	case wanted.ABR > 0:
		p.abr = min(max(wanted.ABR, lowest), highest)
		p.warnOfBitrate(wanted.ABR, p.abr)
	}
}

func (p *plan) warnOfBitrate(wanted, used int) {
	if wanted != used {
		p.warnings = append(p.warnings, "MP3 has no "+strconv.Itoa(wanted)+" kbit/s at "+
			strconv.Itoa(p.rate)+" Hz: "+strconv.Itoa(used)+" kbit/s were used")
	}
}

// nearestRate is the sample rate that MP3 has for a source: its own, or one that a whole number divides
// it to, or the next that keeps all of it, or the highest.
func nearestRate(source int) int {
	rates := conversion.SampleRates
	highest := rates[len(rates)-1]
	switch {
	case source == 0 || source == 88200 || source == 176400 || source == 352800:
		return 44100
	case source > highest:
		return highest
	default:
		at, _ := slices.BinarySearch(rates, source)
		return rates[at]
	}
}

// copyable tells whether the track's own frames may become the MP3: they are such frames, nothing is asked
// for that needs them decoded, and they begin where the picture begins.
func (p *plan) copyable() bool {
	const unnoticed = 60 * time.Millisecond
	return p.track.Codec == "mp3" && p.options.KeepsSound() && p.track.Channels <= 2 &&
		slices.Contains(conversion.SampleRates, p.track.SampleRate) && p.source.lead(p.track) <= unnoticed
}

// seek is where ffmpeg begins to read, on the file's clock. It is well before the start that was asked for, as decoders take
// some frames until they give what they would have given after all that came before; and at a whole second, at which
// there is a sample at every rate. Only where an MP4 says exactly when each sample is heard does that cut to the sample.
func (p *plan) seek() time.Duration {
	const warmUp = 10 * time.Second
	aligned := p.track.start == 0 && (!p.source.pictured || p.source.picture == 0)
	if p.options.Start == nil || !p.source.plain || !p.track.exact || !aligned {
		return 0
	}
	return max(time.Duration(*p.options.Start).Truncate(time.Second)-warmUp, 0)
}

// deadline is when a run over the whole source must have ended.
func (p *plan) deadline(grace time.Duration) time.Duration {
	length := p.track.Duration
	if length == 0 {
		const thin = 1 << 10 // bytes a second of the thinnest speech codecs
		length = time.Duration(p.source.Size/thin) * time.Second
	}
	return grace + 2*length + readingTime(p.source.Size)
}
