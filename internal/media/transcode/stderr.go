package transcode

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
)

// stderr reads what ffmpeg logs with -loglevel level+verbose: it keeps a little of the complaints and
// the few facts that are told nowhere else. However much is logged, it stays small.
type stderr struct {
	line       []byte
	complaints []string // errors and warnings, oldest first
	damaged    int      // packets that could not be decoded
	broken     bool     // the container is broken in places, which were passed over
	samples    int64    // of each channel, that the encoder was given
	summary    []string // lines that a filter prints without a level at its end
}

// Bounds of what is kept.
const (
	maxLine       = 1 << 10
	maxComplaints = 40
	maxSummary    = 60
)

var (
	encodedLine = regexp.MustCompile(`frames encoded \((\d+) samples\)`)
	damagedLine = regexp.MustCompile(`Error while decoding|Error submitting (a )?packet to (the )?decoder`)
	brokenLine  = regexp.MustCompile(`^\[matroska,webm [^]]*\] \[error\]|^\[ogg [^]]*\] .*CRC mismatch`)
	levelled    = regexp.MustCompile(`\[(panic|fatal|error|warning|info|verbose)\] `)
)

// Write takes a piece of the log; it never fails.
func (s *stderr) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		end := bytes.IndexAny(rest, "\r\n")
		if end < 0 {
			s.keep(rest)
			break
		}
		s.keep(rest[:end])
		s.take(string(s.line))
		s.line = s.line[:0]
		rest = rest[end+1:]
	}
	return len(p), nil
}

func (s *stderr) keep(part []byte) {
	s.line = append(s.line, part[:min(len(part), maxLine-len(s.line))]...)
}

func (s *stderr) take(line string) {
	level := levelled.FindStringSubmatch(line)
	if level == nil {
		if strings.TrimSpace(line) != "" && len(s.summary) < maxSummary {
			s.summary = append(s.summary, line)
		}
		return
	}
	switch level[1] {
	case "panic", "fatal", "error", "warning":
		s.complain(line)
	case "verbose":
		if found := encodedLine.FindStringSubmatch(line); found != nil {
			s.samples, _ = strconv.ParseInt(found[1], 10, 64)
		}
	}
}

// complain keeps the first complaints, which tend to be the cause, and the last, which tend to be the end.
func (s *stderr) complain(line string) {
	if damagedLine.MatchString(line) {
		s.damaged++
	}
	s.broken = s.broken || brokenLine.MatchString(line)
	if len(s.complaints) == maxComplaints {
		half := maxComplaints / 2
		s.complaints = append(s.complaints[:half], s.complaints[half+1:]...)
	}
	s.complaints = append(s.complaints, line)
}

// says tells whether a complaint contains any of the texts.
func (s *stderr) says(texts ...string) bool {
	for _, line := range s.complaints {
		for _, text := range texts {
			if strings.Contains(line, text) {
				return true
			}
		}
	}
	return false
}

// String is what is worth a line in our own log.
func (s *stderr) String() string {
	last := s.complaints[max(0, len(s.complaints)-5):]
	return strings.Join(last, "; ")
}
