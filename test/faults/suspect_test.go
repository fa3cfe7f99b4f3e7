package faults

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
)

// suspicion notes what a test would have failed with.
type suspicion struct {
	testing.TB

	mutex   sync.Mutex
	noticed []string
}

// suspect runs a test and returns what it would have failed with.
func suspect(t testing.TB, test func(testing.TB)) []string {
	t.Helper()
	s := &suspicion{TB: t}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		test(s)
	}()
	<-ended
	return s.noticed
}

func (s *suspicion) note(text string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.noticed = append(s.noticed, text)
}

// Error implements testing.TB.
func (s *suspicion) Error(args ...any) { s.note(fmt.Sprint(args...)) }

// Errorf implements testing.TB.
func (s *suspicion) Errorf(format string, args ...any) { s.note(fmt.Sprintf(format, args...)) }

// Fatal implements testing.TB.
func (s *suspicion) Fatal(args ...any) {
	s.Error(args...)
	runtime.Goexit()
}

// Fatalf implements testing.TB.
func (s *suspicion) Fatalf(format string, args ...any) {
	s.Errorf(format, args...)
	runtime.Goexit()
}

// Failed implements testing.TB.
func (s *suspicion) Failed() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return len(s.noticed) > 0
}
