// Package eml writes a mail as the text that servers and mail programs read (RFC 5322 and MIME), in one
// place for every sender, so that what a hostile file name can do to a mail is settled once.
package eml

import (
	"bytes"
	"encoding/base64"
	"fmt"
	netmail "net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"

	"github.com/unreel/unreel/internal/mail"
)

// Encoder writes mails from one sender.
type Encoder struct {
	from *netmail.Address
}

// NewEncoder takes the sender's address, like "Unreel <unreel@localhost>".
func NewEncoder(from string) (*Encoder, error) {
	address, err := netmail.ParseAddress(from)
	if err != nil || strings.ContainsFunc(from, unicode.IsControl) {
		return nil, fmt.Errorf("UNREEL_MAIL_FROM: %q is no address like \"Unreel <unreel@example.com>\"", from)
	}
	return &Encoder{from: address}, nil
}

// From is the bare address that a server is told as the sender.
func (e *Encoder) From() string {
	return e.from.Address
}

// Encode returns the whole mail, lines ended by CRLF. A mail whose address or Message-ID cannot be
// written safely is ErrRefused: another try would not help.
func (e *Encoder) Encode(message mail.Message, date time.Time) ([]byte, error) {
	if err := validate(message); err != nil {
		return nil, fmt.Errorf("%w: %w", mail.ErrRefused, err)
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	m.FromMailAddress(e.from)
	m.ToMailAddress(&netmail.Address{Address: message.To})
	m.SetMessageIDWithValue(message.ID)
	m.SetDateWithValue(date)
	m.Subject(subject(message.Subject))
	// A machine wrote it, so no machine should answer (RFC 3834, 5).
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	if text, ok := asIs(message.Text); ok {
		m.SetBodyString(gomail.TypeTextPlain, text, gomail.WithPartEncoding(gomail.NoEncoding))
	} else {
		m.SetBodyString(gomail.TypeTextPlain, message.Text)
	}
	if message.HTML != "" {
		m.AddAlternativeString(gomail.TypeTextHTML, message.HTML)
	}
	var out bytes.Buffer
	if _, err := m.WriteTo(&out); err != nil {
		return nil, fmt.Errorf("encode mail: %w", err)
	}
	return out.Bytes(), nil
}

// asIs returns a text that may stand in a mail without encoding, so that the links in an .eml file can be
// found and copied. It is ASCII, so every server takes it; what is not is left to be encoded.
func asIs(text string) (string, bool) {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	for line := range strings.Lines(text) {
		if len(line) > maxPlain || strings.ContainsFunc(strings.TrimSuffix(line, "\n"), notPrintable) {
			return "", false
		}
	}
	return strings.ReplaceAll(text, "\n", "\r\n"), true
}

func notPrintable(r rune) bool {
	return r < ' ' || r > '~'
}

func validate(message mail.Message) error {
	address, err := netmail.ParseAddress(message.To)
	if err != nil || address.Address != message.To || strings.ContainsFunc(message.To, unicode.IsControl) {
		return fmt.Errorf("%q is no bare address", message.To)
	}
	left, right, ok := strings.Cut(message.ID, "@")
	if !ok || left == "" || right == "" || strings.ContainsFunc(message.ID, notInMessageID) {
		return fmt.Errorf("%q is no Message-ID", message.ID)
	}
	return nil
}

// notInMessageID is stricter than RFC 5322, 3.6.4: no quoted or commented parts.
func notInMessageID(r rune) bool {
	return r <= ' ' || r > '~' || strings.ContainsRune(`<>()",;\`, r)
}

// maxPlain keeps lines that are not encoded below the longest that a mail may have (RFC 5322, 2.1.1).
const maxPlain = 900

// encodedBytes is how many bytes of text fit into one encoded word of at most 75 characters (RFC 2047, 2).
const encodedBytes = 45

// subject makes one line of a text. What would be read as an encoded word that nobody encoded, or would
// be too long to stand as it is, is itself encoded.
func subject(text string) string {
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "\uFFFD"), isSpaceOrControl), " ")
	if !strings.Contains(text, "=?") && len(text) <= maxPlain {
		return text // go-mail encodes what is not ASCII
	}
	var words []string
	for text != "" {
		end := min(encodedBytes, len(text))
		for end < len(text) && !utf8.RuneStart(text[end]) {
			end--
		}
		words = append(words, "=?utf-8?b?"+base64.StdEncoding.EncodeToString([]byte(text[:end]))+"?=")
		text = text[end:]
	}
	return strings.Join(words, " ")
}

func isSpaceOrControl(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r)
}
