package auth

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/unreel/unreel/internal/httpx"
	"github.com/unreel/unreel/internal/store/users"
)

const (
	minPassword = 8    // characters
	maxPassword = 1024 // bytes
	minDistinct = 4    // characters: fewer are one key pressed over and over, or two by turns
)

// common has the passwords of at least eight characters that head every list of leaked ones.
//
//go:embed common.txt
var common string

// checkAccount returns the normalised address, or an InvalidError.
func checkAccount(email, password string) (address string, err error) {
	var fields []httpx.FieldError
	address, err = users.NormalizeEmail(email)
	if err != nil {
		fields = append(fields, httpx.FieldError{Field: "email", Detail: err.Error()})
	}
	if detail := checkPassword(password, address); detail != "" {
		fields = append(fields, httpx.FieldError{Field: "password", Detail: detail})
	}
	if len(fields) > 0 {
		return "", &InvalidError{fields}
	}
	return address, nil
}

// checkPassword says what is wrong with a new password, following NIST SP 800-63B: length and what others
// try first, but no rules for kinds of characters.
func checkPassword(password, address string) string {
	lower := strings.ToLower(norm.NFC.String(password))
	local, _, _ := strings.Cut(address, "@")
	switch {
	case len(password) > maxPassword:
		return fmt.Sprintf("must be at most %d bytes", maxPassword)
	case utf8.RuneCountInString(lower) < minPassword:
		return fmt.Sprintf("must have at least %d characters", minPassword)
	case address != "" && (lower == address || lower == local):
		return "must not be the e-mail address"
	case distinct(lower) < minDistinct:
		return fmt.Sprintf("must have at least %d different characters", minDistinct)
	case slices.Contains(strings.Fields(common), lower):
		return "must not be one of the most common passwords; a few words in a row are easy to remember"
	}
	return ""
}

// distinct counts the characters of a text, each once.
func distinct(text string) int {
	seen := map[rune]bool{}
	for _, r := range text {
		seen[r] = true
	}
	return len(seen)
}
