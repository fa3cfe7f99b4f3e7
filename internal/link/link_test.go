package link_test

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/link"
)

// memory keeps secrets as a ledger does.
type memory map[string][]byte

func (m memory) Secret(_ context.Context, name string, offer []byte) ([]byte, error) {
	if _, ok := m[name]; !ok {
		m[name] = offer
	}
	return m[name], nil
}

func TestLink(t *testing.T) {
	now := time.Now()
	id, other := conversion.NewID(now), conversion.NewID(now)
	secrets := memory{}
	text, err := link.NewSigner("https://unreel.example/", secrets).URL(t.Context(), id, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if want := "https://unreel.example/v1/conversions/" + string(id) + "/mp3?"; !strings.HasPrefix(text, want) {
		t.Errorf("URL %s does not begin with %s", text, want)
	}
	parsed, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	signature := parsed.Query().Get("signature")
	expires, err := strconv.ParseInt(parsed.Query().Get("expires"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}

	another := link.NewSigner("https://elsewhere.example", secrets)
	tests := map[string]struct {
		id        conversion.ID
		expires   int64
		signature string
		at        time.Time
		want      error
	}{
		"as signed":       {id, expires, signature, now, nil},
		"too late":        {id, expires, signature, now.Add(time.Hour), link.ErrExpired},
		"another's id":    {other, expires, signature, now, link.ErrInvalid},
		"prolonged":       {id, expires + 1, signature, now, link.ErrInvalid},
		"tampered":        {id, expires, "A" + signature[1:] + "A", now, link.ErrInvalid},
		"cut":             {id, expires, signature[:20], now, link.ErrInvalid},
		"empty":           {id, expires, "", now, link.ErrInvalid},
		"not base64":      {id, expires, "!", now, link.ErrInvalid},
		"late and forged": {id, 1, signature, now, link.ErrInvalid},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := another.Verify(t.Context(), test.id, test.expires, test.signature, test.at)
			if !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}
