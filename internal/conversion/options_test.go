package conversion_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/conversion"
)

func at(d time.Duration) *conversion.Time {
	position := conversion.Time(d)
	return &position
}

func TestOptionsValidate(t *testing.T) {
	for name, test := range map[string]struct {
		options conversion.Options
		field   string // that is refused; "" for none
	}{
		"nothing asked for":    {},
		"all of it":            {conversion.Options{Bitrate: 320, Mono: true, SampleRate: 8000, Start: at(0), End: at(1), Track: 64, Loudness: new(-70.0), Title: "é"}, ""},
		"best":                 {conversion.Options{VBR: new(0)}, ""},
		"smallest":             {conversion.Options{VBR: new(9)}, ""},
		"worse than smallest":  {conversion.Options{VBR: new(10)}, "vbr"},
		"better than best":     {conversion.Options{VBR: new(-1)}, "vbr"},
		"both rates":           {conversion.Options{VBR: new(0), Bitrate: 128}, "vbr"},
		"lowest average":       {conversion.Options{ABR: 8}, ""},
		"highest average":      {conversion.Options{ABR: 320}, ""},
		"average too low":      {conversion.Options{ABR: 7}, "abr"},
		"average too high":     {conversion.Options{ABR: 321}, "abr"},
		"negative average":     {conversion.Options{ABR: -1}, "abr"},
		"constant and average": {conversion.Options{ABR: 128, Bitrate: 128}, "abr"},
		"average and quality":  {conversion.Options{ABR: 128, VBR: new(2)}, "vbr"},
		"no such bitrate":      {conversion.Options{Bitrate: 100}, "bitrate"},
		"negative bitrate":     {conversion.Options{Bitrate: -128}, "bitrate"},
		"no such sample rate":  {conversion.Options{SampleRate: 96000}, "sample_rate"},
		"negative sample rate": {conversion.Options{SampleRate: -1}, "sample_rate"},
		"negative start":       {conversion.Options{Start: at(-1)}, "start"},
		"end at once":          {conversion.Options{End: at(0)}, "end"},
		"end before start":     {conversion.Options{Start: at(2), End: at(1)}, "end"},
		"end at start":         {conversion.Options{Start: at(2), End: at(2)}, "end"},
		"negative track":       {conversion.Options{Track: -1}, "track"},
		"track too far":        {conversion.Options{Track: 65}, "track"},
		"too loud":             {conversion.Options{Loudness: new(-4.9)}, "loudness"},
		"too soft":             {conversion.Options{Loudness: new(-70.1)}, "loudness"},
		"not a loudness":       {conversion.Options{Loudness: new(math.NaN())}, "loudness"},
		"endless loudness":     {conversion.Options{Loudness: new(math.Inf(-1))}, "loudness"},
		"long title":           {conversion.Options{Title: strings.Repeat("t", 501)}, "title"},
		"album in Latin 1":     {conversion.Options{Album: "caf\xe9"}, "album"},
		"year without tags":    {conversion.Options{Year: "1999", NoTags: true}, "year"},
	} {
		err := test.options.Validate()
		var refused *conversion.OptionError
		switch {
		case test.field == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case test.field != "" && (!errors.As(err, &refused) || refused.Field != test.field || refused.Detail == ""):
			t.Errorf("%s: got %v, want field %s refused with a remedy", name, err, test.field)
		}
	}
}

func TestOptionsRoundTrip(t *testing.T) {
	for _, want := range []conversion.Options{
		{},
		{VBR: new(0), Mono: true, SampleRate: 44100, Start: at(100), End: at(time.Hour), Track: 2, NoTags: true},
		{ABR: 135, Mono: true},
		{Bitrate: 192, Start: at(0), Loudness: new(-16.0), Title: "T", Artist: "<A>", Album: "\u2028", Year: "1999"},
	} {
		raw, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got conversion.Options
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", raw, diff)
		}
	}
}

func TestOptionsMeaning(t *testing.T) {
	if got := (conversion.Options{}).Quality(); got != conversion.DefaultVBR {
		t.Errorf("quality %d without a wish", got)
	}
	if got := (conversion.Options{VBR: new(0)}).Quality(); got != 0 {
		t.Errorf("quality %d, want the best", got)
	}
	for name, o := range map[string]conversion.Options{
		"rate": {Bitrate: 128}, "average": {ABR: 128}, "quality": {VBR: new(2)}, "mono": {Mono: true}, "sample rate": {SampleRate: 48000},
		"start": {Start: at(0)}, "end": {End: at(1)}, "loudness": {Loudness: new(-16.0)},
	} {
		if o.KeepsSound() {
			t.Errorf("%s: the sound would be copied although it is to change", name)
		}
	}
	if !(conversion.Options{Track: 2, Title: "T", NoTags: false}).KeepsSound() {
		t.Error("a tag and a track need no decoding")
	}
	for _, test := range []struct {
		start, end *conversion.Time
		want       time.Duration
	}{
		{nil, nil, 60}, {at(10), nil, 50}, {nil, at(20), 20}, {at(10), at(20), 10}, {at(10), at(90), 50}, {at(70), nil, 0}, {at(70), at(80), 0},
	} {
		if got := (conversion.Options{Start: test.start, End: test.end}).Cut(60); got != test.want {
			t.Errorf("cut of %v to %v leaves %d, want %d", test.start, test.end, got, test.want)
		}
	}
}

func TestStatus(t *testing.T) {
	for status, want := range map[conversion.Status]struct{ terminal, public bool }{
		conversion.Receiving: {false, false}, conversion.Queued: {false, true}, conversion.Converting: {false, true},
		conversion.Completed: {true, true}, conversion.Failed: {true, true}, conversion.Canceled: {true, true},
		conversion.Deleted: {true, false},
	} {
		if status.Terminal() != want.terminal || status.Public() != want.public {
			t.Errorf("%s: terminal %v, public %v", status, status.Terminal(), status.Public())
		}
	}
}

func TestSlugs(t *testing.T) {
	titles := map[string]conversion.Slug{}
	for _, slug := range []conversion.Slug{
		conversion.NoAudioStream, conversion.UnsupportedMedia, conversion.CorruptMedia, conversion.EncryptedMedia,
		conversion.TooLong, conversion.TooLarge, conversion.NoSuchTrack, conversion.TimedOut, conversion.Internal,
	} {
		if other, taken := titles[slug.Title()]; taken {
			t.Errorf("%s and %s have the same title", slug, other)
		}
		titles[slug.Title()] = slug
		if want := "/problems/" + string(slug); slug.Type() != want {
			t.Errorf("type %s, want %s", slug.Type(), want)
		}
	}
	if got := conversion.Slug("of a later version").Title(); got != conversion.Internal.Title() {
		t.Errorf("an unknown slug is titled %q", got)
	}
}
