// Package faults ends the process just before or just after something that it does to the world outside, so
// that a test can ask what becomes of a promise when everything stops right there. It wraps the contracts that the
// services are made of. The product does not contain it: internal/app uses it with the build tag faults only.
package faults

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// Effects names every point: a contract's package and the method that changes something outside. What the tests of
// this package list beside them changes nothing.
var Effects = []string{
	"blob.Abort", "blob.Append", "blob.Commit", "blob.Create", "blob.Delete", "blob.Sync", "blob.Write",
	"ledger.Forget", "ledger.Insert", "ledger.Secret", "ledger.Update", "ledger.UpdateAwake", "ledger.UpdateDue",
	"mail.Send",
	"queue.Announce", "queue.Publish",
	// A hint in a handler's hands: before it begins, and after it has returned and before the hint is settled.
	"queue.Handle",
	"users.Create", "users.Keys",
}

// Point is where the process ends: before or after one call of an effect. The zero Point is nowhere.
type Point struct {
	Effect string
	After  bool
	Call   int64 // 1 for the first since the start
}

// Parse reads a Point like "blob.Commit:after:3". An empty text is the zero Point.
func Parse(text string) (Point, error) {
	if text == "" {
		return Point{}, nil
	}
	effect, rest, _ := strings.Cut(text, ":")
	when, number, _ := strings.Cut(rest, ":")
	call, err := strconv.ParseInt(number, 10, 64)
	if err != nil || call < 1 || when != "before" && when != "after" || !slices.Contains(Effects, effect) {
		return Point{}, fmt.Errorf("must be EFFECT:before:N or EFFECT:after:N with one of the effects %s", strings.Join(Effects, ", "))
	}
	return Point{Effect: effect, After: when == "after", Call: call}, nil
}

// String is the text that Parse reads.
func (p Point) String() string {
	when := "before"
	if p.After {
		when = "after"
	}
	return fmt.Sprintf("%s:%s:%d", p.Effect, when, p.Call)
}

// Trap ends the process at a Point.
type Trap struct {
	point Point
	calls atomic.Int64
	end   func()
}

// New makes a Trap. End must not return in a process that is to end.
func New(point Point, end func()) *Trap {
	return &Trap{point: point, end: end}
}

// enter counts the beginning of an effect, and tells whether the process has to end after it.
func (t *Trap) enter(effect string) (last bool) {
	if effect != t.point.Effect || t.calls.Add(1) != t.point.Call {
		return false
	}
	if !t.point.After {
		t.end()
	}
	return t.point.After
}

// leave ends the process if the effect was the last that it should have.
func (t *Trap) leave(last bool) {
	if last {
		t.end()
	}
}
