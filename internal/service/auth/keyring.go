package auth

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/unreel/unreel/internal/service/auth/client/token"
	"github.com/unreel/unreel/internal/store/users"
)

const (
	// keysFresh is how long keys are used before the store is asked for newer ones.
	keysFresh = time.Minute
	// keysRetry is the same where the store could not be asked.
	keysRetry = 5 * time.Second
	// keyAnnounced is how long a new key is published before it signs: longer than verifiers go
	// without looking, so that they know it before they need it, even if the auth service is away then.
	keyAnnounced = 10 * time.Minute
)

// signingKey is a key in use.
type signingKey struct {
	id      string
	private ed25519.PrivateKey
	created time.Time
}

func (k signingKey) public() ed25519.PublicKey {
	return ed25519.PublicKey(k.private[ed25519.PublicKeySize:])
}

// keyring has the signing keys. It asks the store only when it needs them, so that the service can start
// before its database, and goes on with what it has while that is away.
type keyring struct {
	store  users.Store
	logger *slog.Logger

	mu   sync.Mutex
	keys []signingKey // newest first
	due  time.Time    // when to ask the store again
}

// newKey makes a key that has not been stored.
func newKey(now time.Time) users.Key {
	seed := make([]byte, ed25519.SeedSize)
	rand.Read(seed)
	return users.Key{ID: rand.Text(), Seed: seed, CreatedAt: now.UTC().Truncate(time.Microsecond)}
}

// all returns every key, newest first.
func (k *keyring) all(ctx context.Context) ([]signingKey, error) {
	keys, fresh := k.cached(time.Now())
	if fresh {
		return keys, nil
	}
	loaded, err := k.load(ctx)
	switch {
	case err == nil:
		k.put(loaded)
		return loaded, nil
	case keys != nil:
		k.logger.WarnContext(ctx, "signing keys not refreshed, going on with those that are known", "error", err)
		return keys, nil
	default:
		return nil, err
	}
}

// cached returns the keys that are known and whether to use them as they are. If not, it is this
// caller who asks the store, and the others meanwhile go on.
func (k *keyring) cached(now time.Time) (keys []signingKey, fresh bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys == nil {
		return nil, false
	}
	if now.Before(k.due) {
		return k.keys, true
	}
	k.due = now.Add(keysRetry)
	return k.keys, false
}

func (k *keyring) put(keys []signingKey) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys, k.due = keys, time.Now().Add(keysFresh)
}

func (k *keyring) load(ctx context.Context) ([]signingKey, error) {
	stored, err := k.store.Keys(ctx, newKey(time.Now()))
	if err != nil {
		return nil, fmt.Errorf("load signing keys: %w", err)
	}
	keys := make([]signingKey, 0, len(stored))
	for _, key := range stored {
		if len(key.Seed) != ed25519.SeedSize {
			return nil, fmt.Errorf("load signing keys: key %s has a seed of %d bytes", key.ID, len(key.Seed))
		}
		keys = append(keys, signingKey{key.ID, ed25519.NewKeyFromSeed(key.Seed), key.CreatedAt})
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("load signing keys: the store has none")
	}
	return keys, nil
}

// signer returns the key to sign with: the newest that has been announced for long enough, or else the
// oldest, for the first key of all has nobody to wait for.
func (k *keyring) signer(ctx context.Context) (signingKey, error) {
	keys, err := k.all(ctx)
	if err != nil {
		return signingKey{}, err
	}
	for _, key := range keys {
		if time.Since(key.created) >= keyAnnounced {
			return key, nil
		}
	}
	return keys[len(keys)-1], nil
}

// find returns a key's public half.
func (k *keyring) find(ctx context.Context, id string) (ed25519.PublicKey, error) {
	keys, err := k.all(ctx)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if key.id == id {
			return key.public(), nil
		}
	}
	return nil, fmt.Errorf("%w: key %q is not known", token.ErrInvalid, id)
}
