package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// cost is what a guess costs.
type cost struct {
	memory  uint32 // KiB
	passes  uint32
	threads uint8
}

// currentCost is OWASP's first choice where memory is dear
// (https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#argon2id).
var currentCost = cost{memory: 19 << 10, passes: 2, threads: 1}

// maxCost is the most that a stored hash may ask for: one that asks for more is damaged, not careful.
var maxCost = cost{memory: 256 << 10, passes: 16, threads: 16}

const (
	saltBytes = 16
	hashBytes = 32
)

var errHash = errors.New("stored password hash cannot be read")

// hasher hashes passwords with Argon2id (RFC 9106), a few at a time, for each takes a core and megabytes.
type hasher struct {
	cost  cost
	slots chan struct{}
	// dummy is checked when there is no account, so that the answer takes as long as when there is.
	dummy string
}

func newHasher(cost cost, slots int) *hasher {
	h := &hasher{cost: cost, slots: make(chan struct{}, slots)}
	h.dummy = h.derive(rand.Text())
	return h
}

// hash returns a PHC string (https://github.com/P-H-C/phc-string-format), or the context's error if its end
// comes first.
func (h *hasher) hash(ctx context.Context, password string) (phc string, err error) {
	err = h.run(ctx, func() { phc = h.derive(password) })
	return phc, err
}

// verify tells whether a password is the one that was hashed, and whether the hash has another cost than today's.
func (h *hasher) verify(ctx context.Context, phc, password string) (match, stale bool, err error) {
	stored, err := parsePHC(phc)
	if err != nil {
		return false, false, err
	}
	err = h.run(ctx, func() {
		match = subtle.ConstantTimeCompare(stored.hash, stored.cost.key(password, stored.salt, len(stored.hash))) == 1
	})
	return match, stored.cost != h.cost || len(stored.hash) != hashBytes, err
}

func (h *hasher) run(ctx context.Context, do func()) error {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
		do()
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait to hash a password: %w", ctx.Err())
	}
}

func (h *hasher) derive(password string) string {
	salt := make([]byte, saltBytes)
	rand.Read(salt)
	return formatPHC(phcHash{h.cost, salt, h.cost.key(password, salt, hashBytes)})
}

// key hashes a password. The same letters can be typed in several ways, so they are brought to one (RFC 8265).
func (c cost) key(password string, salt []byte, size int) []byte {
	return argon2.IDKey(norm.NFC.Bytes([]byte(password)), salt, c.passes, c.memory, c.threads, uint32(size))
}

// phcHash is a PHC string taken apart.
type phcHash struct {
	cost cost
	salt []byte
	hash []byte
}

func formatPHC(p phcHash) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.cost.memory, p.cost.passes, p.cost.threads,
		base64.RawStdEncoding.EncodeToString(p.salt), base64.RawStdEncoding.EncodeToString(p.hash))
}

func parsePHC(text string) (p phcHash, err error) {
	fields := strings.Split(text, "$")
	if len(fields) != 6 || fields[0] != "" || fields[1] != "argon2id" || fields[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return phcHash{}, errHash
	}
	if _, err := fmt.Sscanf(fields[3]+"$", "m=%d,t=%d,p=%d$", &p.cost.memory, &p.cost.passes, &p.cost.threads); err != nil {
		return phcHash{}, errHash
	}
	p.salt, err = base64.RawStdEncoding.Strict().DecodeString(fields[4])
	if err != nil || len(p.salt) < 8 || len(p.salt) > 64 {
		return phcHash{}, errHash
	}
	p.hash, err = base64.RawStdEncoding.Strict().DecodeString(fields[5])
	if err != nil || len(p.hash) < 16 || len(p.hash) > 64 || !p.cost.sane() {
		return phcHash{}, errHash
	}
	return p, nil
}

// sane tells whether Argon2 takes these parameters; it panics on others.
func (c cost) sane() bool {
	return c.passes >= 1 && c.passes <= maxCost.passes && c.threads >= 1 && c.threads <= maxCost.threads &&
		c.memory >= 8*uint32(c.threads) && c.memory <= maxCost.memory
}
