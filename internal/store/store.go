// Package store holds what every store has in common: the errors that tell a caller whose turn it is.
package store

import "errors"

var (
	// ErrUnavailable says that the server behind a store cannot be reached or cannot answer now. What was
	// asked for may or may not have been done; asking again is safe.
	ErrUnavailable = errors.New("store is unavailable")
	// ErrFull says that the store's disk has no room: nothing was written.
	ErrFull = errors.New("store is full")
)
