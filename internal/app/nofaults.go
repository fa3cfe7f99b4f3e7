//go:build !faults

package app

// withFaults is where a build for tests puts its crash points, and makes the services less patient. This one
// returns what it was given.
func withFaults[T any](given T) T { return given }
