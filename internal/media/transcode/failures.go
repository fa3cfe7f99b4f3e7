package transcode

import (
	"bytes"
	"fmt"
	"time"

	"github.com/unreel/unreel/internal/conversion"
)

const (
	remedyExport = "Opening it in a video editor and exporting it again as MP4 often helps."
	remedyResend = "It may have been cut off on its way: compare its size with the original's and send it again."
)

// unreadable says what is wrong with a file that ffprobe can't open: whether it was media once.
func unreadable(head []byte, log *stderr) error {
	kind := sniff(head)
	switch {
	case kind == "":
		return conversion.Fail(conversion.UnsupportedMedia,
			"The content is not a video or audio file that can be read, whatever its name says. "+
				"Send an MP4, MKV, WebM, MOV, AVI, MPEG-TS or another common format.")
	case log.says("moov atom not found"):
		return conversion.Fail(conversion.CorruptMedia,
			"This MP4 or MOV file is incomplete: its index, which is written last, is missing. "+remedyResend)
	default:
		return conversion.Fail(conversion.CorruptMedia, fmt.Sprintf(
			"This begins like %s file, but the rest cannot be read. %s", kind, remedyResend))
	}
}

// unfinished is for a file in which no sound is found, but which is not there as a whole.
func unfinished() error {
	return conversion.Fail(conversion.CorruptMedia,
		"The end of this file is missing, and there is no sound in the rest. "+remedyResend)
}

// sniff tells what a file wants to be by its first bytes, with an article; empty for what is no media.
func sniff(head []byte) string {
	for _, mark := range []struct {
		at         int
		mark, kind string
	}{
		{4, "ftyp", "an MP4 or MOV"},
		{4, "moov", "a MOV"},
		{4, "mdat", "a MOV"},
		{4, "wide", "a MOV"},
		{0, "\x1A\x45\xDF\xA3", "an MKV or WebM"},
		{0, "OggS", "an Ogg"},
		{0, "FLV\x01", "an FLV"},
		{8, "AVI ", "an AVI"},
		{8, "WAVE", "a WAV"},
		{0, "fLaC", "a FLAC"},
		{0, "ID3", "an MP3"},
		{0, "\x30\x26\xB2\x75\x8E\x66\xCF\x11", "a Windows Media"},
		{0, "\x00\x00\x01\xBA", "an MPEG"},
		{0, "FORM", "an AIFF"},
		{0, ".RMF", "a RealMedia"},
	} {
		if len(head) > mark.at && bytes.HasPrefix(head[mark.at:], []byte(mark.mark)) {
			return mark.kind
		}
	}
	return ""
}

func tooLong(limit time.Duration) error {
	return conversion.Fail(conversion.TooLong, fmt.Sprintf(
		"At most %s of sound can be converted at once, and this is longer. Ask for a part of it with start and end.",
		clockText(limit)))
}

func encrypted() error {
	return conversion.Fail(conversion.EncryptedMedia,
		"The sound is encrypted by copy protection (DRM) and only plays with its seller's key. "+
			"Use a copy without protection.")
}

func undecodable(codec string) error {
	if codec == "" {
		codec = "a format that is not known here"
	}
	return conversion.Fail(conversion.UnsupportedMedia, fmt.Sprintf(
		"The sound is in %s, which cannot be decoded. Export the video again with AAC, Opus or MP3 sound.", codec))
}

func nothingDecoded() error {
	return conversion.Fail(conversion.CorruptMedia,
		"The file has an audio track, but no sound could be read from it. "+remedyResend)
}

func startsBehind(start, length time.Duration) error {
	return conversion.Fail(conversion.NoAudioStream, fmt.Sprintf(
		"There is no sound after the start that was asked for, %s: the sound is %s long. Choose an earlier start.",
		clockText(start), clockText(length)))
}

func timedOut(why error) error {
	return conversion.Fail(conversion.TimedOut, fmt.Sprintf("The conversion was stopped: %s. %s", why, remedyExport))
}

// clockText writes 1:02:03 or 2:03, with tenths below a minute.
func clockText(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	s := int(d.Round(time.Second).Seconds())
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}
