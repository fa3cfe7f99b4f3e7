package gridfs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/unreel/unreel/internal/store"
	"github.com/unreel/unreel/internal/store/blob"
)

// translate marks an error that says that the server has no room or cannot answer now. What ended because its
// caller gave up says nothing about the server.
func translate(caller context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case caller.Err() != nil:
		return fmt.Errorf("%w: %w", caller.Err(), err)
	case isFull(err):
		return fmt.Errorf("%w: %w", blob.ErrFull, err)
	case isUnavailable(err):
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	default:
		return err
	}
}

// outOfDiskSpace is the code of that name; the other codes are those that a server answers with while it starts,
// stops or is no primary (https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml).
const outOfDiskSpace = 14031

var unavailableCodes = []int{
	6,     // HostUnreachable
	7,     // HostNotFound
	50,    // MaxTimeMSExpired
	64,    // WriteConcernFailed: written, but not by as many as must have it
	89,    // NetworkTimeout
	91,    // ShutdownInProgress
	112,   // WriteConflict
	189,   // PrimarySteppedDown
	262,   // ExceededTimeLimit
	9001,  // SocketException
	10107, // NotWritablePrimary
	11600, // InterruptedAtShutdown
	11602, // InterruptedDueToReplStateChange
	13435, // NotPrimaryNoSecondaryOk
	13436, // NotPrimaryOrSecondary
}

// fullWords are how servers without a code for it say that they are full: operating systems, SQLite below
// FerretDB, and Atlas.
var fullWords = []string{"no space left on device", "disk is full", "over your space quota", "disk quota exceeded"}

func isFull(err error) bool {
	var answer mongo.ServerError
	if !errors.As(err, &answer) {
		return false
	}
	text := strings.ToLower(err.Error())
	return answer.HasErrorCode(outOfDiskSpace) ||
		slices.ContainsFunc(fullWords, func(words string) bool { return strings.Contains(text, words) })
}

func isUnavailable(err error) bool {
	if mongo.IsNetworkError(err) || mongo.IsTimeout(err) {
		return true
	}
	// An operation that waits for a connection learns so that another has lost the server; the type is the driver's own.
	var lost interface {
		error
		Retryable() bool
	}
	if errors.As(err, &lost) && lost.Retryable() {
		return true
	}
	var answer mongo.ServerError
	return errors.As(err, &answer) && slices.ContainsFunc(unavailableCodes, answer.HasErrorCode)
}
