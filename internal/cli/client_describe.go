package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
)

// writeLine is a conversion in a line: for lists of what was done, read by people and by cut(1).
func writeLine(out io.Writer, one api.Conversion) error {
	_, err := fmt.Fprintf(out, "%s  %s  %s\n", printable(one.ID), printable(string(one.Status)), printable(one.Video.Name))
	return err
}

// describe is a conversion in words.
func describe(out io.Writer, one api.Conversion) error {
	text := &strings.Builder{}
	line := func(label, value string) {
		if value != "" {
			fmt.Fprintf(text, "%-9s %s\n", label, printable(value))
		}
	}
	line("ID", one.ID)
	line("Video", join(one.Video.Name, size(one.Video.Size), length(one.Video.Duration), one.Video.Codec))
	line("Status", statusText(one))
	if one.Error != nil {
		line("Reason", failureText(*one.Error))
	}
	if one.MP3 != nil {
		describeMP3(line, *one.MP3)
	}
	fields, err := formFields(one.Options)
	if err != nil {
		return err
	}
	var asked []string
	for _, field := range fields {
		asked = append(asked, field.name+"="+field.value)
	}
	line("Options", join(asked...))
	line("Created", moment(&one.CreatedAt))
	line("Started", moment(one.StartedAt))
	line("Finished", moment(one.FinishedAt))
	line("Expires", moment(one.ExpiresAt))
	_, err = io.WriteString(out, text.String())
	return err
}

func describeMP3(line func(label, value string), m api.MP3) {
	channels := map[int]string{1: "mono", 2: "stereo"}[m.Channels]
	copied := ""
	if m.Copied {
		copied = "copied without loss"
	}
	loudness := ""
	if m.Loudness != 0 {
		loudness = fmt.Sprintf("%.1f LUFS", m.Loudness)
	}
	line("MP3", join(size(m.Size), length(m.Duration), fmt.Sprintf("%d kbit/s", (m.Bitrate+500)/1000),
		fmt.Sprintf("%d Hz", m.SampleRate), channels, loudness, copied))
	for _, warning := range m.Warnings {
		line("Warning", warning)
	}
}

// statusText says where a conversion stands.
func statusText(one api.Conversion) string {
	switch one.Status {
	case conversion.Queued:
		if one.QueuePosition > 0 {
			return fmt.Sprintf("queued, number %d in line", one.QueuePosition)
		}
	case conversion.Converting:
		return "converting, " + percent(one.Progress)
	case conversion.Failed:
		if one.Attempts > 1 {
			return fmt.Sprintf("failed after %d attempts", one.Attempts)
		}
	default:
	}
	return string(one.Status)
}

func failureText(f api.Failure) string {
	if f.Detail == "" || f.Detail == f.Title {
		return f.Title
	}
	return f.Title + ": " + f.Detail
}

// outcome is the error of a conversion that ended without an MP3.
func outcome(one api.Conversion) error {
	switch {
	case one.Status == conversion.Completed:
		return nil
	case one.Error != nil:
		return errors.New(printable(one.ID + " failed: " + failureText(*one.Error)))
	}
	return errors.New(printable(fmt.Sprintf("%s is %s", one.ID, one.Status)))
}

func join(parts ...string) string {
	var kept []string
	for _, part := range parts {
		if part != "" {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, ", ")
}

func percent(share float64) string {
	return fmt.Sprintf("%.0f %%", share*100)
}

func size(bytes int64) string {
	return humanize.Bytes(uint64(max(bytes, 0)))
}

// length is seconds as a clock shows them, or nothing if they are not known.
func length(seconds float64) string {
	whole := int64(seconds + 0.5)
	switch {
	case seconds <= 0:
		return ""
	case whole < 3600:
		return fmt.Sprintf("%d:%02d", whole/60, whole%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", whole/3600, whole/60%60, whole%60)
}

func moment(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}
