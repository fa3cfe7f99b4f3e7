package converter

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store"
	"github.com/unreel/unreel/internal/store/ledger"
)

// renewals is a store in which only renewals happen, so that their times are those of a synctest bubble.
type renewals struct {
	ledger.Store // nil: nothing else may be called

	answer   func(ctx context.Context) error
	began    time.Time
	at       []time.Duration
	progress float64
}

func (s *renewals) Update(ctx context.Context, id conversion.ID, change func(*ledger.Record, time.Time) error) (ledger.Record, error) {
	s.at = append(s.at, time.Since(s.began))
	if err := s.answer(ctx); err != nil {
		return ledger.Record{}, err
	}
	record := ledger.Record{Conversion: conversion.Conversion{ID: id, Status: conversion.Converting}, Fence: 7}
	err := change(&record, time.Now())
	s.progress = record.Progress
	return record, err
}

// beat runs a heart for some time, or until it stops the work, and returns why and when it did.
func (s *renewals) beat(t *testing.T, last time.Duration) (after time.Duration, cause error) {
	config := ledger.DefaultConfig()
	config.Lease = time.Minute
	work, stopWork := context.WithCancelCause(t.Context())
	s.began = time.Now()
	heart := startHeart(work, stopWork, ledger.New(s, config),
		ledger.Record{Conversion: conversion.Conversion{ID: "x"}, Fence: 7}, slog.New(slog.DiscardHandler))
	heart.progress(0.25)
	select {
	case <-work.Done():
	case <-time.After(last):
	}
	after = time.Since(s.began)
	heart.stop()
	return after, context.Cause(work)
}

func TestHeartBeatsEveryThird(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &renewals{answer: func(context.Context) error { return nil }}
		_, cause := s.beat(t, 70*time.Second)
		want := []time.Duration{20 * time.Second, 40 * time.Second, 60 * time.Second}
		if diff := cmp.Diff(want, s.at); cause != nil || diff != "" || s.progress != 0.25 {
			t.Errorf("%v, progress %v, %s", cause, s.progress, diff)
		}
	})
}

func TestHeartGivesUp(t *testing.T) {
	for name, answer := range map[string]func(ctx context.Context) error{
		"database away":   func(context.Context) error { return store.ErrUnavailable },
		"database silent": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &renewals{answer: answer}
				after, cause := s.beat(t, time.Hour)
				if !errors.Is(cause, errLeaseLost) || after < 40*time.Second || after > 41*time.Second {
					t.Errorf("%v after %v, want to give up after two thirds of the lease", cause, after)
				}
			})
		})
	}
}

// TestHeartRecovers wants a renewal that failed to be tried again soon, and a late one to count from when it was sent.
func TestHeartRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &renewals{}
		s.answer = func(context.Context) error {
			if len(s.at) <= 2 {
				return store.ErrUnavailable
			}
			if len(s.at) == 3 {
				return nil
			}
			return store.ErrUnavailable
		}
		after, cause := s.beat(t, time.Hour)
		if !errors.Is(cause, errLeaseLost) || len(s.at) < 4 || s.at[2] >= 40*time.Second {
			t.Fatalf("%v, renewed at %v", cause, s.at)
		}
		if want := s.at[2] + 40*time.Second; after < want || after > want+time.Second {
			t.Errorf("gave up at %v, want %v", after, want)
		}
	})
}

func TestHeartStopsAtOnceWhenStale(t *testing.T) {
	for _, answer := range []error{ledger.ErrStale, ledger.ErrNotFound} {
		synctest.Test(t, func(t *testing.T) {
			s := &renewals{answer: func(context.Context) error { return answer }}
			after, cause := s.beat(t, time.Hour)
			if !errors.Is(cause, ledger.ErrStale) || after != 20*time.Second {
				t.Errorf("%v: %v after %v", answer, cause, after)
			}
		})
	}
}

// TestHeartStopsWithTheWork ends it while a renewal hangs.
func TestHeartStopsWithTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &renewals{answer: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
		if after, cause := s.beat(t, 25*time.Second); cause != nil || after != 25*time.Second {
			t.Errorf("%v after %v", cause, after)
		}
	})
}
