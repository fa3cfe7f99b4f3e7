package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/unreel/unreel/internal/conversion"
)

// optionFlags is what can be asked of an MP3, here as on a server.
type optionFlags struct {
	Bitrate    *int             `placeholder:"KBIT" help:"Constant bitrate, 32 to 320 kbit/s."`
	ABR        *int             `name:"abr" placeholder:"KBIT" help:"Average bitrate, 8 to 320 kbit/s."`
	VBR        *int             `name:"vbr" placeholder:"0..9" help:"Quality of a variable bitrate, 0 is best (default: 2)."`
	Mono       bool             `help:"Mix down to one channel."`
	SampleRate *int             `placeholder:"HZ" help:"Sample rate, 8000 to 48000 Hz."`
	Start      *conversion.Time `placeholder:"TIME" help:"Begin here: 12.5, 1:02 or 01:02:03.5."`
	End        *conversion.Time `placeholder:"TIME" help:"End here."`
	Track      *int             `placeholder:"N" help:"Audio track, 1 is the first (default: the file's own choice)."`
	Loudness   *lufs            `placeholder:"LUFS" help:"Bring to this loudness, such as -16 for speech."`
	NoTags     bool             `help:"Write no ID3 tag."`
	Title      string           `placeholder:"TEXT" help:"Title in the tag."`
	Artist     string           `placeholder:"TEXT" help:"Artist in the tag."`
	Album      string           `placeholder:"TEXT" help:"Album in the tag."`
	Year       string           `placeholder:"TEXT" help:"Year in the tag."`
}

// lufs is a loudness. It is a type of its own because the parser takes "-16" for a flag.
type lufs float64

// Decode reads the next word, whatever it begins with.
func (l *lufs) Decode(ctx *kong.DecodeContext) error {
	word := ctx.Scan.Pop().String()
	value, err := strconv.ParseFloat(word, 64)
	if err != nil {
		return fmt.Errorf("%q is not a loudness: write -16", word)
	}
	*l = lufs(value)
	return nil
}

// options returns what was asked for, or a UsageError that names the flag.
func (f *optionFlags) options() (conversion.Options, error) {
	o := conversion.Options{
		VBR: f.VBR, Mono: f.Mono, Start: f.Start, End: f.End, Loudness: (*float64)(f.Loudness),
		NoTags: f.NoTags, Title: f.Title, Artist: f.Artist, Album: f.Album, Year: f.Year,
	}
	for _, number := range []struct {
		flag string
		from *int
		to   *int
	}{
		{"--bitrate", f.Bitrate, &o.Bitrate}, {"--abr", f.ABR, &o.ABR}, {"--sample-rate", f.SampleRate, &o.SampleRate}, {"--track", f.Track, &o.Track},
	} {
		if number.from == nil {
			continue
		}
		if *number.from <= 0 { // in Options, 0 is what was not asked for
			return o, UsageError{fmt.Errorf("%s: must be more than 0", number.flag)}
		}
		*number.to = *number.from
	}
	return o, usageOfOption(o.Validate())
}

// usageOfOption says an OptionError in the words of the command line.
func usageOfOption(err error) error {
	option, ok := errors.AsType[*conversion.OptionError](err)
	if !ok {
		return err
	}
	return UsageError{fmt.Errorf("--%s: %s", strings.ReplaceAll(option.Field, "_", "-"), option.Detail)}
}

// formField is one option as a form has it.
type formField struct{ name, value string }

// formFields writes options as a form's fields: those have the names that the options have in JSON.
func formFields(o conversion.Options) ([]formField, error) {
	raw, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("encode options: %w", err)
	}
	values := map[string]any{}
	if err := json.Unmarshal(raw, &values); err != nil {
		return nil, fmt.Errorf("encode options: %w", err)
	}
	fields := make([]formField, 0, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		fields = append(fields, formField{name, formValue(values[name])})
	}
	return fields, nil
}

// formValue writes numbers without an exponent, which positions may not have.
func formValue(value any) string {
	if number, ok := value.(float64); ok {
		return strconv.FormatFloat(number, 'f', -1, 64)
	}
	return fmt.Sprint(value)
}
