package conversion

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// Time is a position in a source. In JSON it is seconds, as a number; "1:02" and "01:02:03.5" are read too.
type Time time.Duration

// errTime says how positions are written.
var errTime = errors.New("must be seconds (12.5), minutes (1:02) or hours (01:02:03.5)")

// maxPosition keeps positions where a Duration and ffmpeg can hold them.
const maxPosition = 1000 * time.Hour

// ParseTime reads 12.5, 1:02 or 01:02:03.5.
func ParseTime(text string) (Time, error) {
	fields := strings.Split(text, ":")
	if len(fields) > 3 {
		return 0, errTime
	}
	seconds := 0.0
	for i, field := range fields {
		value, err := parseTimeField(field, i == len(fields)-1)
		if err != nil || (i > 0 && value >= 60) {
			return 0, errTime
		}
		seconds = seconds*60 + value
	}
	if seconds > maxPosition.Seconds() {
		return 0, errTime
	}
	return Time(math.Round(seconds * float64(time.Second))), nil
}

func parseTimeField(field string, fraction bool) (float64, error) {
	allowed := "0123456789"
	if fraction {
		allowed += "."
	}
	if field == "" || strings.Trim(field, allowed) != "" {
		return 0, errTime
	}
	return strconv.ParseFloat(field, 64)
}

// Seconds is the position in seconds.
func (t Time) Seconds() float64 {
	return time.Duration(t).Seconds()
}

// UnmarshalText reads what ParseTime reads: for flags and forms.
func (t *Time) UnmarshalText(text []byte) (err error) {
	*t, err = ParseTime(string(text))
	return err
}

// MarshalJSON writes seconds, never with an exponent, which ParseTime does not read.
func (t Time) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, t.Seconds(), 'f', -1, 64), nil
}

// UnmarshalJSON reads a number of seconds or a string for ParseTime.
func (t *Time) UnmarshalJSON(raw []byte) error {
	text := string(raw)
	if strings.HasPrefix(text, `"`) {
		if err := json.Unmarshal(raw, &text); err != nil {
			return err
		}
	}
	return t.UnmarshalText([]byte(text))
}
