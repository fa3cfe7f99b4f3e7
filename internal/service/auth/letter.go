package auth

import (
	"bytes"
	"embed"
	"fmt"
	htmltemplate "html/template"
	texttemplate "text/template"
	"time"

	"github.com/unreel/unreel/internal/mail"
	"github.com/unreel/unreel/internal/store/users"
)

//go:embed letters
var letters embed.FS

// The templates are part of the program: one that cannot be parsed fails every test.
var (
	plainLetter = texttemplate.Must(texttemplate.ParseFS(letters, "letters/letter.txt"))
	htmlLetter  = htmltemplate.Must(htmltemplate.ParseFS(letters, "letters/letter.html"))
)

// words is what a letter says.
type words struct {
	Title     string // and subject
	Text      string
	Action    string // what the link does
	Otherwise string // for who did not ask for it
	Link      string
	Until     string

	fragment string        // of the page's address, before the token
	life     time.Duration // of the token
}

// wordsFor are the letters that there are. A link leads to the page, in whose fragment the token is: that reaches no log and
// no other site, and nothing happens until a person is there, for some mail servers follow each link.
var wordsFor = map[users.Purpose]words{
	users.ResetPassword: {
		Title:     "Choose another password",
		Text:      "Somebody, you we hope, has asked for another password for your account at Unreel. To choose one, open this page:",
		Action:    "Choose another password",
		Otherwise: "If that was not you, there is nothing to do: without this link the password stays as it is.",
		fragment:  "reset", life: time.Hour,
	},
	users.VerifyAddress: {
		Title:     "Confirm your address",
		Text:      "Somebody, you we hope, has made an account at Unreel with this address. To confirm that it is yours, open this page; then you can log in:",
		Action:    "Confirm the address",
		Otherwise: "If that was not you, there is nothing to do: without this link the account cannot be used.",
		fragment:  "verify", life: 48 * time.Hour,
	},
	users.ChangeAddress: {
		Title:     "Confirm your new address",
		Text:      "The holder of an account at Unreel, you we hope, wants to log in with this address from now on. To confirm that it is yours, open this page:",
		Action:    "Confirm the address",
		Otherwise: "If that was not you, there is nothing to do: without this link the address stays as it was.",
		fragment:  "verify", life: 48 * time.Hour,
	},
}

// compose writes a letter with a token that is good until then, for the page at home.
func compose(letter users.Letter, home, token string, until time.Time) (mail.Message, error) {
	said, known := wordsFor[letter.Purpose]
	if !known {
		return mail.Message{}, fmt.Errorf("compose letter: %q is no purpose", letter.Purpose)
	}
	said.Link = fmt.Sprintf("%s/#%s=%s", home, said.fragment, token)
	said.Until = until.UTC().Format("2 January 2006 at 15:04 UTC")
	var text, html bytes.Buffer
	if err := plainLetter.Execute(&text, said); err != nil {
		return mail.Message{}, fmt.Errorf("compose letter: %w", err)
	}
	if err := htmlLetter.Execute(&html, said); err != nil {
		return mail.Message{}, fmt.Errorf("compose letter: %w", err)
	}
	return mail.Message{
		ID: mail.MessageID(letter.ID+"."+string(letter.Purpose), home), To: letter.Address,
		Subject: said.Title, Text: text.String(), HTML: html.String(),
	}, nil
}
