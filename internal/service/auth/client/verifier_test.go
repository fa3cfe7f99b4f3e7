package client_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/unreel/unreel/internal/service/auth/client"
	"github.com/unreel/unreel/internal/service/auth/client/token"
)

func TestVerifierAgainstAuth(t *testing.T) {
	service := newAuth(t)
	server := serve(t, service.Handler())
	c, v := newClient(t, server.URL, transport(t)), newVerifier(t, server.URL, transport(t))
	admin, err := service.Accounts().Add(t.Context(), "grace@example.com", ada.Password, true)
	if err != nil {
		t.Fatal(err)
	}
	text, err := c.Token(t.Context(), from, client.Credentials{Email: admin.Email, Password: ada.Password})
	if err != nil {
		t.Fatal(err)
	}
	claims, err := v.Verify(t.Context(), text)
	if err != nil || claims.UserID != admin.ID || claims.Username != admin.Email || !claims.Admin || claims.ID == "" ||
		time.Until(claims.ExpiresAt) > 15*time.Minute || time.Until(claims.ExpiresAt) < 14*time.Minute {
		t.Errorf("got %+v, %v", claims, err)
	}
	set, err := v.JWKS(t.Context())
	if err != nil || len(set.Keys) != 1 {
		t.Errorf("got %v, %v", set, err)
	}
}

// issuer is what signs tokens in tests of forged ones.
type issuer struct {
	keys atomic.Pointer[map[string]ed25519.PrivateKey]
	away atomic.Bool
	asks atomic.Int32
}

func newIssuer(ids ...string) *issuer {
	i := new(issuer)
	i.set(ids...)
	return i
}

// keyOf makes the same key for the same id.
func keyOf(id string) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, id)
	return ed25519.NewKeyFromSeed(seed)
}

func public(key ed25519.PrivateKey) ed25519.PublicKey {
	return ed25519.PublicKey(key[ed25519.SeedSize:])
}

func (i *issuer) set(ids ...string) {
	keys := make(map[string]ed25519.PrivateKey)
	for _, id := range ids {
		keys[id] = keyOf(id)
	}
	i.keys.Store(&keys)
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	i.asks.Add(1)
	if i.away.Load() {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	set := token.JWKS{Keys: []token.JWK{{Type: "RSA", ID: "old"}, {Type: "OKP", Curve: "Ed25519", ID: "short", X: "AAAA"}}}
	for id, key := range *i.keys.Load() {
		set.Keys = append(set.Keys, token.NewJWK(id, public(key)))
	}
	_ = json.NewEncoder(w).Encode(set)
}

func claims() token.Claims {
	return token.New("unreel", "6b033c4259dafd7437a38151", "ada@example.com", false, time.Now())
}

func sign(t *testing.T, id string, claims token.Claims) string {
	t.Helper()
	text, err := token.Sign(claims, id, keyOf(id))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// forge signs with another method, or with another key than it names.
func forge(t *testing.T, method jwt.SigningMethod, head map[string]any, key any, claims jwt.Claims) string {
	t.Helper()
	unsigned := jwt.NewWithClaims(method, claims)
	maps.Copy(unsigned.Header, head)
	text, err := unsigned.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestForgedTokens(t *testing.T) {
	v := newVerifier(t, "http://auth", client.InProcess(newIssuer("a", "b")))
	good := sign(t, "a", claims())
	if _, err := v.Verify(t.Context(), good); err != nil {
		t.Fatalf("the good one: %v", err)
	}
	a := map[string]any{"kid": "a"}
	hmacKey := []byte(public(keyOf("a")))
	late, early, other, endless, nobody := claims(), claims(), claims(), claims(), claims()
	late.ExpiresAt = jwt.NewNumericDate(time.Now().Add(-time.Minute))
	early.NotBefore = jwt.NewNumericDate(time.Now().Add(time.Minute))
	other.Issuer, endless.ExpiresAt, nobody.Subject = "somebody", nil, ""
	parts := strings.Split(good, ".")
	tests := map[string]string{
		"nothing":              "",
		"no token":             "a.b.c",
		"alg none":             forge(t, jwt.SigningMethodNone, a, jwt.UnsafeAllowNoneSignatureType, claims()),
		"HS256, public key":    forge(t, jwt.SigningMethodHS256, a, hmacKey, claims()),
		"HS256, said EdDSA":    forge(t, jwt.SigningMethodHS256, map[string]any{"kid": "a", "alg": "EdDSA"}, hmacKey, claims()),
		"another's key":        forge(t, jwt.SigningMethodEdDSA, a, keyOf("stranger"), claims()),
		"unknown kid":          sign(t, "stranger", claims()),
		"wrong kid":            forge(t, jwt.SigningMethodEdDSA, map[string]any{"kid": "b"}, keyOf("a"), claims()),
		"no kid":               forge(t, jwt.SigningMethodEdDSA, nil, keyOf("a"), claims()),
		"kid of another kind":  forge(t, jwt.SigningMethodEdDSA, map[string]any{"kid": 7}, keyOf("a"), claims()),
		"a short key's kid":    forge(t, jwt.SigningMethodEdDSA, map[string]any{"kid": "short"}, keyOf("a"), claims()),
		"expired":              sign(t, "a", late),
		"not yet good":         sign(t, "a", early),
		"another issuer":       sign(t, "a", other),
		"without an end":       sign(t, "a", endless),
		"without an account":   sign(t, "a", nobody),
		"other claims":         parts[0] + "." + strings.Split(sign(t, "b", claims()), ".")[1] + "." + parts[2],
		"no signature":         parts[0] + "." + parts[1] + ".",
		"signature's last bit": good[:len(good)-1] + string(good[len(good)-1]^1),
		"more behind it":       good + ".x",
		"very long":            good + strings.Repeat("A", 1<<20),
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			if got, err := v.Verify(t.Context(), text); !errors.Is(err, client.ErrBadToken) || errors.Is(err, client.ErrUnavailable) {
				t.Errorf("got %+v, %v, want ErrBadToken", got, err)
			}
		})
	}
}

func TestRotationWithoutRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := newIssuer("a")
		v := newVerifier(t, "http://auth", client.InProcess(keys))
		mustVerify(t, v, sign(t, "a", claims()))
		keys.set("b", "a")
		mustVerify(t, v, sign(t, "b", claims()))
		mustVerify(t, v, sign(t, "a", claims()))
		keys.set("b")
		pass(time.Minute)
		if _, err := v.Verify(t.Context(), sign(t, "c", claims())); !errors.Is(err, client.ErrBadToken) {
			t.Errorf("got %v, want ErrBadToken", err)
		}
		if _, err := v.Verify(t.Context(), sign(t, "a", claims())); !errors.Is(err, client.ErrBadToken) {
			t.Errorf("a key that was withdrawn: got %v, want ErrBadToken", err)
		}
	})
}

func mustVerify(t *testing.T, v *client.Verifier, text string) {
	t.Helper()
	if _, err := v.Verify(t.Context(), text); err != nil {
		t.Errorf("verify: %v", err)
	}
}

// TestUnknownKeysAskSeldom makes sure that forged tokens don't become a flood of requests.
func TestUnknownKeysAskSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := newIssuer("a")
		v := newVerifier(t, "http://auth", client.InProcess(keys))
		mustVerify(t, v, sign(t, "a", claims()))
		for range 1000 {
			if _, err := v.Verify(t.Context(), sign(t, "stranger", claims())); !errors.Is(err, client.ErrBadToken) {
				t.Fatalf("got %v, want ErrBadToken", err)
			}
		}
		if asks := keys.asks.Load(); asks < 2 || asks > 5 {
			t.Errorf("the service was asked %d times", asks)
		}
		keys.set("a", "b")
		pass(10 * time.Second)
		mustVerify(t, v, sign(t, "b", claims()))
	})
}

func TestAuthAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := newIssuer("a")
		keys.away.Store(true)
		v := newVerifier(t, "http://auth", client.InProcess(keys))
		if _, err := v.Verify(t.Context(), sign(t, "a", claims())); !errors.Is(err, client.ErrUnavailable) || errors.Is(err, client.ErrBadToken) {
			t.Errorf("before any keys: got %v, want ErrUnavailable", err)
		}
		if err := v.Check(); !errors.Is(err, client.ErrUnavailable) {
			t.Errorf("check: got %v, want ErrUnavailable", err)
		}
		ctx, stop := context.WithCancel(t.Context())
		stopped := make(chan error)
		go func() { stopped <- v.Run(ctx) }()
		pass(time.Minute)
		keys.away.Store(false)
		pass(2 * time.Second)
		if err := v.Check(); err != nil {
			t.Errorf("check: %v", err)
		}
		keys.away.Store(true)
		pass(3 * time.Hour)
		mustVerify(t, v, sign(t, "a", claims()))

		keys.set("a", "b")
		keys.away.Store(false)
		pass(5 * time.Minute)
		asks := keys.asks.Load()
		mustVerify(t, v, sign(t, "b", claims()))
		if keys.asks.Load() != asks {
			t.Error("the new key was not fetched in the background")
		}
		stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
}

// TestManyAtOnce makes sure that many requests share one fetch, and that one that gives up takes none with it.
func TestManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := newIssuer("a")
		slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			pass(time.Second)
			keys.ServeHTTP(w, r)
		})
		v := newVerifier(t, "http://auth", client.InProcess(slow))
		text := sign(t, "a", claims())
		hasty, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := v.Verify(hasty, text); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want context.DeadlineExceeded", err)
			}
		})
		synctest.Wait()
		for range 50 {
			group.Go(func() { mustVerify(t, v, text) })
		}
		group.Wait()
		if asks := keys.asks.Load(); asks != 1 {
			t.Errorf("the service was asked %d times", asks)
		}
	})
}
