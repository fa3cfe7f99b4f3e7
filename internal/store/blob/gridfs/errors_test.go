package gridfs

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/unreel/unreel/internal/store"
	"github.com/unreel/unreel/internal/store/blob"
)

// poolClearedError is like the driver's own.
type poolClearedError struct{}

func (poolClearedError) Error() string { return "connection pool was cleared" }

func (poolClearedError) Retryable() bool { return true }

func TestTranslate(t *testing.T) {
	full := mongo.WriteException{WriteErrors: mongo.WriteErrors{{Code: 1, Message: "database or disk is full (13)"}}}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	tests := map[string]struct {
		caller context.Context
		err    error
		want   error
	}{
		"out of disk space":  {t.Context(), mongo.CommandError{Code: 14031}, blob.ErrFull},
		"disk is full":       {t.Context(), full, blob.ErrFull},
		"quota":              {t.Context(), mongo.CommandError{Code: 8000, Message: "you are over your space quota"}, blob.ErrFull},
		"no primary":         {t.Context(), mongo.CommandError{Code: 10107}, store.ErrUnavailable},
		"not replicated":     {t.Context(), mongo.WriteException{WriteConcernError: &mongo.WriteConcernError{Code: 64}}, store.ErrUnavailable},
		"connection lost":    {t.Context(), mongo.CommandError{Labels: []string{"NetworkError"}}, store.ErrUnavailable},
		"pool cleared":       {t.Context(), fmt.Errorf("find: %w", poolClearedError{}), store.ErrUnavailable},
		"own deadline":       {t.Context(), fmt.Errorf("find: %w", context.DeadlineExceeded), store.ErrUnavailable},
		"caller gave up":     {ended, fmt.Errorf("find: %w", context.Canceled), context.Canceled},
		"refused":            {t.Context(), mongo.CommandError{Code: 13, Message: "not authorized"}, nil},
		"not found":          {t.Context(), blob.ErrNotFound, blob.ErrNotFound},
		"file says no space": {t.Context(), errors.New("no space left on device, here"), nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := translate(test.caller, test.err)
			for _, sentinel := range []error{blob.ErrFull, store.ErrUnavailable, context.Canceled, blob.ErrNotFound} {
				if errors.Is(got, sentinel) != errors.Is(test.want, sentinel) {
					t.Errorf("%v became %v, want %v", test.err, got, test.want)
				}
			}
		})
	}
	if err := translate(t.Context(), nil); err != nil {
		t.Errorf("nil became %v", err)
	}
}
