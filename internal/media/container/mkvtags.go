package container

import (
	"slices"
	"strings"
	"time"
)

// The elements of tags.
const (
	idTag, idTargets, idTargetType, idTargetTrack     = 0x7373, 0x63C0, 0x63CA, 0x63C5
	idTargetChapter, idTargetEdition, idTargetFile    = 0x63C4, 0x63C9, 0x63C6
	idTargetLevel                                     = 0x68CA
	idSimpleTag, idTagName, idTagString, idTagDefault = 0x67C8, 0x45A3, 0x4487, 0x4484
	idTagLanguage, idTagLanguageBCP47, idTagBinary    = 0x447A, 0x447B, 0x4485
)

// mkvTag is a group of tags and what they are about.
type mkvTag struct {
	*matroska
	track     uint64 // its uid; 0: the whole
	elsewhere bool   // about a chapter, or of a kind that ffmpeg gives other names
	simple    []element
}

func (m *matroska) readTag(e element) error {
	if e.id != idTag {
		return e.among(filling)
	}
	t := mkvTag{matroska: m}
	err := m.elements(e.from, e.to, func(e element) error {
		switch e.id {
		case idTargets:
			return m.elements(e.from, e.to, t.readTarget)
		case idSimpleTag:
			t.simple = append(t.simple, e)
			return nil
		default:
			return e.among(filling)
		}
	})
	if err != nil || t.elsewhere {
		return err
	}
	for _, e := range t.simple {
		if err := t.readSimple(e); err != nil {
			return err
		}
	}
	return nil
}

func (t *mkvTag) readTarget(e element) (err error) {
	switch e.id {
	case idTargetTrack:
		t.track, err = t.number(e)
	case idTargetType, idTargetChapter, idTargetEdition, idTargetFile:
		t.elsewhere = true
	case idTargetLevel:
	default:
		return e.among(filling)
	}
	return err
}

func (t *mkvTag) readSimple(simple element) error {
	var name, value string
	standard := true
	err := t.elements(simple.from, simple.to, func(e element) (err error) {
		switch e.id {
		case idTagName:
			name, err = t.text(e)
		case idTagString:
			value, err = t.text(e)
		case idTagDefault:
			standard, err = t.flag(e)
		case idTagLanguage, idTagLanguageBCP47, idTagBinary, idSimpleTag:
		default:
			return e.among(filling)
		}
		return err
	})
	switch {
	case err != nil || !standard:
		return err
	case t.track != 0:
		return t.setTrack(strings.ToUpper(name), value)
	default:
		return t.setFile(strings.ToUpper(name), value)
	}
}

// setTrack takes the end of a track, which is all that its tags tell of interest.
func (t *mkvTag) setTrack(name, value string) error {
	at := slices.IndexFunc(t.tracks, func(track *mkvTrack) bool { return track.uid == t.track })
	if at < 0 {
		return errUnsure // they may come before the tracks
	}
	s := &t.tracks[at].stream
	if name != "DURATION" || s.Kind == Other {
		return nil
	}
	end, err := parseClock(value)
	if err != nil || s.Duration != 0 {
		return errUnsure
	}
	if s.Kind == Sound {
		s.Duration = end
	}
	return nil
}

// parseClock reads 00:01:02.345000000.
func parseClock(text string) (time.Duration, error) {
	hours, rest, _ := strings.Cut(text, ":")
	minutes, seconds, found := strings.Cut(rest, ":")
	var end time.Duration
	for _, part := range []struct{ digits, unit string }{{hours, "h"}, {minutes, "m"}, {seconds, "s"}} {
		d, err := time.ParseDuration(part.digits + part.unit)
		if err != nil || d < 0 || d > longest {
			return 0, errUnsure
		}
		end += d
	}
	if !found || len(minutes) != 2 || len(seconds) < 2 {
		return 0, errUnsure
	}
	return end, nil
}

// setFile takes what the file says of itself. Names of which ffprobe knows several for one thing are left to it.
func (t *mkvTag) setFile(name, value string) error {
	var to *string
	switch name {
	case "TITLE":
		to = &t.file.Tags.Title
	case "ARTIST":
		to = &t.file.Tags.Artist
	case "ALBUM":
		to = &t.file.Tags.Album
	case "DATE":
		to = &t.file.Tags.Year
	case "ALBUM_ARTIST", "YEAR":
		return errUnsure
	default:
		return nil
	}
	if *to != "" {
		return errUnsure
	}
	*to = value
	return plainText(value)
}
