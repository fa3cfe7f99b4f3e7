package transcode

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// buffer is how much ffmpeg reads at once; it passes over less than that by reading.
const buffer = 32 << 10

// input is how every run of ffmpeg opens the source.
func (t *Transcoder) input(p *plan) []string {
	args := []string{
		"-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+verbose", "-progress", "pipe:3",
		"-abort_on", "empty_output", "-max_error_rate", "1",
		"-filter_threads", "1", "-threads", "1",
	}
	args = append(args, inputOptions()...)
	if p.source.is("mov") && !p.track.dense {
		// By buffers of its own size ffmpeg would read much of the picture at each seek from one piece of sound to the next.
		args = append(args, "-blocksize", "4096")
	}
	if p.source.plain {
		args = append(args, "-nofind_stream_info") // which decodes the beginning of the picture, and takes its time
	}
	args = append(args, "-codec_whitelist", decoders, "-vn", "-sn", "-dn")
	if p.track.Codec == "speex" && t.can().libspeex {
		args = append(args, "-c:a", "libspeex")
	}
	if at := p.seek(); at > 0 {
		args = append(args, "-ss", micros(at))
	}
	return append(args, "-i", "file:"+p.source.Path, "-map", "0:"+strconv.Itoa(p.track.index))
}

// bare is an MP3 of nothing but frames: header and tag are ours to write.
func bare() []string {
	return []string{
		"-map_metadata", "-1", "-map_chapters", "-1",
		"-f", "mp3", "-write_xing", "0", "-id3v2_version", "0", "-write_id3v1", "0", "-flush_packets", "0", "pipe:1",
	}
}

func (t *Transcoder) copyArgs(p *plan) []string {
	return append(append(t.input(p), "-c:a", "copy"), bare()...)
}

// encodeArgs has ffmpeg make the MP3's frames.
func (t *Transcoder) encodeArgs(p *plan, loud *loudness) []string {
	args := append(t.input(p), "-af", t.filters(p, loud, "fltp"), "-c:a", "libmp3lame")
	switch {
	case p.bitrate > 0:
		args = append(args, "-b:a", strconv.Itoa(p.bitrate)+"k")
	case p.abr > 0:
		args = append(args, "-abr", "1", "-b:a", strconv.Itoa(p.abr)+"k")
	default:
		args = append(args, "-q:a", strconv.Itoa(p.options.Quality()))
	}
	return append(args, bare()...)
}

// decodeArgs has ffmpeg make the sound that the MP3 is to have, as the parallel encoder reads it.
func (t *Transcoder) decodeArgs(p *plan, loud *loudness) []string {
	return append(t.input(p), "-af", t.filters(p, loud, "flt"), "-c:a", "pcm_f32le", "-f", "f32le", "-flush_packets", "0", "pipe:1")
}

// filters is what happens to the sound before it is encoded. It ends in floats, whatever the encoder: what two ways
// of encoding get is the same. Filters that would change nothing are left out, as each costs time; the first and the
// last one see to it that sound which changes in mid-stream comes out as the MP3 began.
func (t *Transcoder) filters(p *plan, loud *loudness, format string) string {
	filters := append(p.timing(), p.mixing()...)
	if loud != nil {
		filters = append(filters, loud.filter(*p.options.Loudness))
	}
	filters = append(filters, t.resampling(p)...)
	return strings.Join(append(filters, "aformat=sample_fmts="+format+":sample_rates="+strconv.Itoa(p.rate)+":channel_layouts="+p.layout()), ",")
}

// leastLead is how much later than the picture sound must begin for it to be worth an effort.
const leastLead = time.Millisecond

// timing puts the sound where the picture had it: gaps become silence, what lies over something else goes,
// and sound that begins later than the picture is preceded by silence. Then it cuts.
//
// A change of format in mid-stream makes ffmpeg begin the filters anew. So nothing here fills up to a fixed
// time: it would fill in everything that has passed once more.
func (p *plan) timing() []string {
	filters := []string{"aresample=async=1:" + mix}
	if lead := p.source.lead(p.track); lead >= leastLead {
		filters = append(filters, fmt.Sprintf("adelay=delays=%.3f:all=1", lead.Seconds()*1000))
	}
	seek := p.seek() // which is when ffmpeg's clock begins
	var bounds []string
	if start := p.options.Start; start != nil {
		bounds = append(bounds, "start="+micros(time.Duration(*start)-seek))
	}
	if end := p.options.End; end != nil {
		bounds = append(bounds, "end="+micros(time.Duration(*end)-seek))
	}
	if len(bounds) == 0 {
		return filters
	}
	if seek == 0 { // else its clock has begun, whenever the first sound comes
		filters = append(filters, "asetpts=PTS-STARTPTS")
	}
	return append(filters, "atrim="+strings.Join(bounds, ":"))
}

// micros is a time as ffmpeg reads it, to the microsecond: finer than samples are apart.
func micros(d time.Duration) string {
	return strconv.FormatInt(d.Round(time.Microsecond).Microseconds(), 10) + "us"
}

// mix is how channels become fewer. The centre, where films have their dialogue, stays as loud against left and right as
// it was (-3 dB in each of two), what is behind is lowered, and all together is scaled so that it can't clip.
const mix = "center_mix_level=0.707:surround_mix_level=0.5:rematrix_maxval=1"

// mixing brings the channels to one or two.
func (p *plan) mixing() []string {
	if p.track.Channels == p.channels && (p.track.Layout == "" || p.track.Layout == p.layout()) {
		return nil
	}
	var filters []string
	const known = 8 // ffmpeg can name the places of as many channels
	if p.track.Channels > known && p.track.Layout == "" {
		filters = append(filters, "pan=stereo|c0=c0|c1=c1")
	}
	return append(filters, "aresample="+mix, "aformat=channel_layouts="+p.layout())
}

// layout is ffmpeg's name for the MP3's channels.
func (p *plan) layout() string {
	if p.channels == 1 {
		return "mono"
	}
	return "stereo"
}

func (t *Transcoder) resampling(p *plan) []string {
	if p.rate == p.track.SampleRate {
		return nil
	}
	filter := "aresample=" + strconv.Itoa(p.rate)
	if t.can().soxr {
		filter += ":resampler=soxr"
	}
	return []string{filter}
}
