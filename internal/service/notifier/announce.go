package notifier

import (
	"encoding/json"
	"time"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/internal/conversion"
)

// payload is what a webhook is called with (Standard Webhooks 1.0.0, "Payload structure").
type payload struct {
	Type      string         `json:"type"`
	Timestamp time.Time      `json:"timestamp"` // when it happened
	Data      api.Conversion `json:"data"`
}

// tell writes the payload about a conversion that has ended.
func tell(c conversion.Conversion) func(event string) ([]byte, error) {
	return func(event string) ([]byte, error) {
		return json.Marshal(payload{Type: event, Timestamp: c.FinishedAt, Data: api.Present(c)})
	}
}
