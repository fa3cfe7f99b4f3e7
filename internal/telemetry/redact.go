package telemetry

import (
	"io"
	"regexp"
	"strings"
)

// redactor takes secrets and people's addresses out of lines on their way to a log. It is the last net under those
// who write the lines, and looks at whole lines because an error's text may quote anything: a server's answer, a
// URL, what a program has printed.
type redactor struct{ out io.Writer }

// Write implements io.Writer. A line comes in one call, which is what slog's handlers promise.
func (r redactor) Write(line []byte) (int, error) {
	text := string(line)
	if clean := redact(text); clean != text {
		_, err := io.WriteString(r.out, clean)
		return len(line), err
	}
	return r.out.Write(line)
}

// rules are what is taken out. Each has a sign without which it need not be tried.
var rules = []struct {
	sign    string
	pattern *regexp.Regexp
	instead string
}{
	// The user and the password of a URL.
	{"://", regexp.MustCompile(`://[^\s/"'@]+@`), "://…@"},
	// A JWT, which begins with the JSON of its header.
	{"eyJ", regexp.MustCompile(`eyJ[\w-]{8,}\.[\w-]+\.[\w-]*`), "(token)"},
	// A key for scripts.
	{"unreel_", regexp.MustCompile(`unreel_[0-9A-Za-z]{16,}`), "unreel_…"},
	// The header with either, or with a password.
	{"earer ", regexp.MustCompile(`([Bb]earer )[\w.~+/=-]{8,}`), "${1}…"},
	{"asic ", regexp.MustCompile(`([Bb]asic )[\w+/=]{8,}`), "${1}…"},
	// A signed link, and what else a query may have in it.
	{"=", regexp.MustCompile(`((?:signature|token|password|secret)=)[^&\s"\\]+`), "${1}…"},
	// An e-mail address, of which enough stays to know one's own. What stands before a "=" is taken for a key.
	{"@", regexp.MustCompile("([\\pL\\pN!#$%&'*+/?^_`{|}~-])[\\pL\\pN.!#$%&'*+/?^_`{|}~-]*@([\\pL\\pN])"), "${1}…@${2}"},
}

func redact(text string) string {
	for _, rule := range rules {
		if strings.Contains(text, rule.sign) {
			text = rule.pattern.ReplaceAllString(text, rule.instead)
		}
	}
	return text
}
