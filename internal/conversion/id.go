package conversion

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"sync/atomic"
	"time"
)

// ID names a conversion, its video and its MP3: 24 lower-case hex digits, the text form of a MongoDB
// ObjectID (https://www.mongodb.com/docs/manual/reference/bson-types/#objectid).
type ID string

// ErrBadID says that a text is not an ID.
var ErrBadID = errors.New("an id is 24 hexadecimal digits")

// ParseID reads an ID as a client may have written it.
func ParseID(text string) (ID, error) {
	var raw [12]byte
	if len(text) != hex.EncodedLen(len(raw)) {
		return "", ErrBadID
	}
	if _, err := hex.Decode(raw[:], []byte(text)); err != nil {
		return "", ErrBadID
	}
	return ID(hex.EncodeToString(raw[:])), nil
}

// process is the five random bytes and the counter's start that tell one process's ids from another's.
var (
	process = randomProcess()
	counter atomic.Uint32
)

func randomProcess() (p [5]byte) {
	var start [4]byte
	rand.Read(p[:])
	rand.Read(start[:])
	counter.Store(binary.BigEndian.Uint32(start[:]))
	return p
}

// NewID makes an ID: four bytes of Unix seconds, five of the process, three of a counter.
func NewID(now time.Time) ID {
	var raw [12]byte
	binary.BigEndian.PutUint32(raw[:4], uint32(now.Unix()))
	copy(raw[4:9], process[:])
	var count [4]byte
	binary.BigEndian.PutUint32(count[:], counter.Add(1))
	copy(raw[9:], count[1:])
	return ID(hex.EncodeToString(raw[:]))
}
