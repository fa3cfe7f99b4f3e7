package transcode

import (
	"cmp"
	"encoding/json"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/unreel/unreel/internal/conversion"
)

// The parts of ffprobe's JSON that are used.
type (
	probed struct {
		Format  probedFormat   `json:"format"`
		Streams []probedStream `json:"streams"`
		Packets []probedPacket `json:"packets"`
	}
	probedFormat struct {
		Name     string     `json:"format_name"`
		Duration string     `json:"duration"`
		Score    int        `json:"probe_score"`
		Tags     probedTags `json:"tags"`
	}
	probedStream struct {
		Index       int              `json:"index"`
		Type        string           `json:"codec_type"`
		Codec       string           `json:"codec_name"`
		Tag         string           `json:"codec_tag_string"`
		SampleRate  string           `json:"sample_rate"`
		Channels    int              `json:"channels"`
		Layout      string           `json:"channel_layout"`
		StartTime   string           `json:"start_time"`
		Duration    string           `json:"duration"`
		Disposition map[string]int   `json:"disposition"`
		Tags        probedTags       `json:"tags"`
		SideData    []probedSideData `json:"side_data_list"`
	}
	probedPacket struct {
		Stream   int              `json:"stream_index"`
		SideData []probedSideData `json:"side_data_list"`
	}
	probedSideData struct {
		Type string `json:"side_data_type"`
		Skip int    `json:"skip_samples"`
	}
	probedTags map[string]string
)

// get finds a tag whatever its case: containers disagree.
func (t probedTags) get(names ...string) string {
	for _, name := range names {
		for key, value := range t {
			if strings.EqualFold(key, name) && strings.TrimSpace(value) != "" {
				return value
			}
		}
	}
	return ""
}

// parseProbe makes a Source of ffprobe's JSON.
func parseProbe(raw []byte) (Source, int, error) {
	var p probed
	if err := json.Unmarshal(raw, &p); err != nil {
		return Source{}, 0, err
	}
	source := Source{
		Format: p.Format.Name,
		Tags: Tags{
			Title: p.Format.Tags.get("title"), Artist: p.Format.Tags.get("artist", "album_artist"),
			Album: p.Format.Tags.get("album"), Year: p.Format.Tags.get("date", "year"),
		},
	}
	source.Duration, _ = seconds(p.Format.Duration)
	for _, stream := range p.Streams {
		switch {
		case stream.Type == "video" && stream.Disposition["attached_pic"] == 0:
			source.addPicture(stream)
		case stream.Type == "audio":
			source.addTrack(stream, p.Packets)
		}
	}
	return source, p.Format.Score, nil
}

func (s *Source) addPicture(stream probedStream) {
	if start, ok := seconds(stream.StartTime); ok && !s.pictured {
		s.picture, s.pictured = start, true
	}
}

func (s *Source) addTrack(stream probedStream, packets []probedPacket) {
	track := Track{
		Number:   len(s.Tracks) + 1,
		Codec:    stream.Codec,
		Channels: stream.Channels,
		Layout:   stream.Layout,
		Default:  stream.Disposition["default"] == 1,
		index:    stream.Index,
	}
	if track.Codec == "unknown" || track.Codec == "none" {
		track.Codec = ""
	}
	track.SampleRate, _ = strconv.Atoi(stream.SampleRate)
	track.Encrypted = stream.encrypted(packets)
	if track.Codec == "mp3" { // others are decoded, and decoders heed it
		track.skip = stream.skip(packets)
	}
	track.start, _ = seconds(cmp.Or(stream.StartTime, "0"))
	track.Duration, track.exact = stream.length(s.Format)
	if track.Duration == 0 {
		track.Duration = s.Duration
	}
	s.Tracks = append(s.Tracks, track)
}

// encrypted knows Matroska's key id, Common Encryption's side data, and the shops' codec tags.
func (s probedStream) encrypted(packets []probedPacket) bool {
	about := s.SideData
	for _, packet := range packets {
		if packet.Stream == s.Index {
			about = append(about, packet.SideData...)
		}
	}
	return s.Tags.get("enc_key_id") != "" || slices.Contains(encryptedTags, s.Tag) ||
		slices.ContainsFunc(about, func(d probedSideData) bool { return strings.HasPrefix(d.Type, "Encryption ") })
}

// skip is how many samples at the stream's start are the encoder's delay, as far as the container knows.
func (s probedStream) skip(packets []probedPacket) int {
	for _, packet := range packets {
		for _, data := range packet.SideData {
			if packet.Stream == s.Index && data.Skip > 0 {
				return data.Skip
			}
		}
	}
	return 0
}

// estimated are containers that don't say how long they are: ffprobe guesses from bitrate or last packets.
var estimated = []string{"mp3", "aac", "ac3", "eac3", "dts", "truehd", "mlp", "loas", "amr", "mpeg", "mpegts", "adts"}

// length is how long the stream says it is, and whether that can be relied on.
func (s probedStream) length(format string) (length time.Duration, exact bool) {
	if length, ok := seconds(s.Duration); ok && length > 0 {
		return length, !slices.Contains(estimated, format)
	}
	end, ok := clock(s.Tags.get("DURATION"))
	if !ok {
		return 0, false
	}
	start, _ := seconds(s.StartTime)
	return max(end-max(start, 0), 0), true
}

// seconds reads a decimal number of seconds; false for what is missing or out of all reason.
func seconds(text string) (time.Duration, bool) {
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || math.Abs(value) > (10000*time.Hour).Seconds() {
		return 0, false
	}
	return time.Duration(math.Round(value * float64(time.Second))), true
}

// clock reads Matroska's 00:01:02.345000000.
func clock(text string) (time.Duration, bool) {
	position, err := conversion.ParseTime(text)
	return time.Duration(position), err == nil && text != ""
}

// is tells whether the container is of a family that ffmpeg names by a list.
func (s Source) is(name string) bool {
	return slices.Contains(strings.Split(s.Format, ","), name)
}

// label is a path's last element, for logs.
func label(file string) string {
	return path.Base(file)
}
