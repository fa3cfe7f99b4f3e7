package notifier

import (
	"bytes"
	"embed"
	"fmt"
	htmltemplate "html/template"
	texttemplate "text/template"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/mail"
)

// Links are the addresses that a mail names.
type Links struct {
	Home     string    // of the web page: UNREEL_PUBLIC_URL; its host also ends the Message-ID
	Download string    // of the MP3, to be followed by whoever reads the mail; not used for a failure
	Until    time.Time // when Download ends; zero: with the file
}

//go:embed messages
var messages embed.FS

// The templates are part of the program: one that cannot be parsed fails every test.
var (
	plainTexts = texttemplate.Must(texttemplate.ParseFS(messages, "messages/*.txt"))
	htmlTexts  = htmltemplate.Must(htmltemplate.ParseFS(messages, "messages/*.html"))
)

// Compose writes the mail that tells an owner how their conversion has ended: completed or failed. The same
// end of the same conversion always has the same Message-ID.
func Compose(c conversion.Conversion, links Links) (mail.Message, error) {
	words := describe(c, links)
	var subject string
	switch {
	case c.Status == conversion.Completed && c.MP3 != nil:
		subject = "Your MP3 is ready: " + words.Name
	case c.Status == conversion.Failed && c.Failure != nil:
		subject = "Your video could not be converted: " + words.Name
	default:
		return mail.Message{}, fmt.Errorf("compose mail: nothing to tell of a conversion that is %q", c.Status)
	}
	var text, html bytes.Buffer
	if err := plainTexts.ExecuteTemplate(&text, string(c.Status)+".txt", words); err != nil {
		return mail.Message{}, fmt.Errorf("compose mail: %w", err)
	}
	if err := htmlTexts.ExecuteTemplate(&html, string(c.Status)+".html", words); err != nil {
		return mail.Message{}, fmt.Errorf("compose mail: %w", err)
	}
	return mail.Message{
		ID:      messageID(c, links.Home),
		To:      c.Username,
		Subject: subject,
		Text:    text.String(),
		HTML:    html.String(),
	}, nil
}

// messageID names this end of this conversion: after a retry by its owner it ends anew, at another time and
// with another mail.
func messageID(c conversion.Conversion, home string) string {
	return mail.MessageID(fmt.Sprintf("%s.%s.%d", c.ID, c.Status, c.FinishedAt.UnixMilli()), home)
}
