// Package conversion has the words that every part of Unreel speaks: what a conversion is, which states
// it goes through, what may be asked of it and why it can fail. It knows no database, no network and no
// ffmpeg, so that everything else can depend on it.
package conversion

import "time"

// Status is where a conversion stands.
type Status string

// The states, in the order in which a conversion that goes well passes through them.
const (
	// Receiving: the video is still arriving; nobody but the gateway sees the conversion.
	Receiving  Status = "receiving"
	Queued     Status = "queued"
	Converting Status = "converting"
	Completed  Status = "completed"
	Failed     Status = "failed"
	Canceled   Status = "canceled"
	// Deleted is a tombstone: gone for everyone but whoever still has to remove its files.
	Deleted Status = "deleted"
)

// Terminal tells whether no work is left to do on the sound.
func (s Status) Terminal() bool {
	switch s {
	case Completed, Failed, Canceled, Deleted:
		return true
	default:
		return false
	}
}

// Public tells whether the owner sees a conversion in this state.
func (s Status) Public() bool {
	return s != Receiving && s != Deleted
}

// Conversion is one video on its way to an MP3, as its owner sees it.
type Conversion struct {
	ID ID
	// Owner is the account's id; Username is the address the notifier writes to.
	Owner    string
	Username string

	Status   Status
	Progress float64 // 0 to 1
	Video    Video
	Options  Options
	MP3      *MP3     // nil until completed
	Failure  *Failure // nil unless failed
	Attempts int      // how often a converter has begun

	CreatedAt  time.Time
	StartedAt  time.Time // when a converter last began; zero before
	FinishedAt time.Time // zero until terminal
	ExpiresAt  time.Time // when the files go; zero for never
}

// Video is what was uploaded.
type Video struct {
	Name     string        `json:"name"` // the uploader's name for it: a label, never a path
	Size     int64         `json:"size"` // bytes
	SHA256   string        `json:"sha256"`
	Duration time.Duration `json:"duration,omitempty"` // of its sound; 0 until probed
	Codec    string        `json:"codec,omitempty"`    // of its sound, as ffmpeg names it; empty until probed
}

// MP3 is what came out.
type MP3 struct {
	Size       int64         `json:"size"` // bytes
	SHA256     string        `json:"sha256"`
	Duration   time.Duration `json:"duration"`
	Bitrate    int           `json:"bitrate"`     // mean, bit/s
	SampleRate int           `json:"sample_rate"` // Hz
	Channels   int           `json:"channels"`
	Copied     bool          `json:"copied"`             // the source's MP3 frames, not encoded again
	Loudness   float64       `json:"loudness,omitempty"` // integrated, LUFS (EBU R128); 0 where not measured
	Warnings   []string      `json:"warnings,omitempty"` // what a listener should know
}

// Event is a change that others may want to hear of at once. Events are hints: they may be lost, and
// the ledger has the truth.
type Event struct {
	ID       ID        `json:"id"`
	Owner    string    `json:"owner"`
	Status   Status    `json:"status"`
	Progress float64   `json:"progress"` // 0 to 1
	At       time.Time `json:"at"`
}
