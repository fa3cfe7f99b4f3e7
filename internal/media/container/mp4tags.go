package container

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"unicode/utf8"
)

// readUserData reads what a movie says of its content. What may be a tag and isn't known is left to ffprobe.
func (m *movie) readUserData(b box) error {
	return m.inside(b, func(b box) error {
		if b.kind == "meta" {
			return m.readDescriptions(b)
		}
		return known(b, ownData)
	})
}

// ownData is what movies' user data may have that says nothing of what an MP3 of this project takes over: chapters, places,
// devices, and what makers of cameras and phones keep there for themselves.
var ownData = []string{
	"chpl", "XMP_", "\xA9too", "\xA9swr", "\xA9xyz", "\xA9mak", "\xA9mod", "\xA9enc", "\xA9cmt", "loci",
	"smta", "smrd", "SDLN", // Samsung
	"AMBA", "BCID", "CAME", "FIRM", "GPMF", "GUMI", "HMMT", "LENS", "MUID", "SETT", // GoPro
}

// readTrackData sees that a track's user data has no more than its name.
func (m *movie) readTrackData(b box) error {
	return m.inside(b, func(b box) error { return known(b, []string{"name"}) })
}

func known(b box, kinds []string) error {
	if !slices.Contains(kinds, b.kind) {
		return errUnsure
	}
	return nil
}

// readDescriptions reads the metadata box of iTunes.
func (m *movie) readDescriptions(b box) error {
	if _, err := m.full(b, 0); err != nil {
		return err
	}
	seen := map[string]bool{}
	return m.boxes(b.from+4, b.to, func(b box) error {
		switch b.kind {
		case "hdlr":
			fields, err := m.full(b, 8)
			if err != nil || string(fields[4:]) != "mdir" {
				return errUnsure
			}
			return nil
		case "free":
			return nil
		case "ilst":
			return m.inside(b, func(b box) error {
				if seen[b.kind] {
					return errUnsure
				}
				seen[b.kind] = true
				return m.readItem(b)
			})
		default:
			return errUnsure
		}
	})
}

// passed are items of iTunes that say nothing that an MP3 of this project takes over.
var passed = []string{
	"\xA9too", "\xA9cmt", "\xA9gen", "\xA9wrt", "\xA9grp", "\xA9lyr", "\xA9enc", "\xA9swr", "covr", "trkn", "disk", "tmpo", "cpil", "pgap",
	"stik", "hdvd", "desc", "ldes", "cprt", "keyw", "catg", "gnre", "tvsh", "tvsn", "tves", "tven", "tvnn",
}

func (m *movie) readItem(b box) error {
	var to *string
	switch b.kind {
	case "\xA9nam":
		to = &m.file.Tags.Title
	case "\xA9ART":
		to = &m.file.Tags.Artist
	case "\xA9alb":
		to = &m.file.Tags.Album
	case "\xA9day":
		to = &m.file.Tags.Year
	default:
		if slices.Contains(passed, b.kind) {
			return nil
		}
		return errUnsure
	}
	var data box
	if err := m.inside(b, func(b box) error { return once(&data, b) }); err != nil || data.kind != "data" {
		return errUnsure
	}
	content, err := m.content(data)
	const head, text = 8, 1
	if err != nil || len(content) <= head || binary.BigEndian.Uint32(content) != text {
		return errUnsure
	}
	*to = string(content[head:])
	return plainText(*to)
}

// plainText sees that a text comes out of ffprobe as it is.
func plainText(text string) error {
	const longest = 1000
	if len(text) > longest || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' }) ||
		strings.TrimSpace(text) == "" {
		return errUnsure
	}
	return nil
}

// readKeys sees that QuickTime's other form of metadata, with keys of any name, has none that counts. Android has it in MP4s.
func (m *movie) readKeys(b box) error {
	content, err := m.content(b)
	if err != nil {
		return err
	}
	content = bytes.ToLower(content)
	if !bytes.Contains(content, []byte("hdlr\x00\x00\x00\x00\x00\x00\x00\x00mdta")) || !bytes.Contains(content, []byte("keys")) {
		return errUnsure
	}
	for _, name := range []string{"title", "artist", "album", "date", "year"} {
		if bytes.Contains(content, []byte("mdta"+name)) {
			return errUnsure
		}
	}
	return nil
}
