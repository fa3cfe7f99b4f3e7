package cli

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/unreel/unreel/api"
	"github.com/unreel/unreel/api/client"
)

const (
	// refreshAhead is how long before its end a token is replaced.
	refreshAhead = 30 * time.Second
	// lockPause is how long to wait before looking again whether another command is done with the log-in.
	lockPause = 50 * time.Millisecond
)

// keeper sends requests with a log-in's token, and replaces that when it ends.
type keeper struct {
	next http.RoundTripper

	mu      sync.Mutex
	session session
}

// RoundTrip implements http.RoundTripper.
func (k *keeper) RoundTrip(request *http.Request) (*http.Response, error) {
	token, err := k.token(request.Context(), "")
	if err != nil {
		return nil, err
	}
	response, err := k.next.RoundTrip(withToken(request, token))
	if err != nil || response.StatusCode != http.StatusUnauthorized || !repeatable(request) {
		return response, err
	}
	newer, err := k.token(request.Context(), token)
	if err != nil || newer == token {
		return response, nil //nolint:nilerr // the answer is the better error
	}
	response.Body.Close()
	again := withToken(request, newer)
	if request.GetBody != nil {
		if again.Body, err = request.GetBody(); err != nil {
			return nil, err
		}
	}
	return k.next.RoundTrip(again)
}

func withToken(request *http.Request, token string) *http.Request {
	request = request.Clone(request.Context())
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	return request
}

// repeatable tells whether a request's body can be sent a second time.
func repeatable(request *http.Request) bool {
	return request.Body == nil || request.Body == http.NoBody || request.GetBody != nil
}

// token returns a token that is not the refused one and is good for a while, as far as there is one.
func (k *keeper) token(ctx context.Context, refused string) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.session.RefreshToken == "" || k.session.goodWithout(refused) {
		return k.session.Token, nil
	}
	newer, err := k.session.renewed(ctx, refused)
	switch {
	case err == nil:
		k.session = newer
	case refused != "" || ctx.Err() != nil || !time.Now().Before(k.session.ExpiresAt):
		return "", err
	}
	return k.session.Token, nil
}

func (s session) goodWithout(refused string) bool {
	return s.Token != refused && time.Until(s.ExpiresAt) > refreshAhead
}

// renewed goes on with the stored log-in, which another command may have done already: one at a time, for a refresh
// token that is used twice ends the session.
func (s session) renewed(ctx context.Context, refused string) (session, error) {
	unlock, err := lockSession(ctx)
	if err != nil {
		return session{}, err
	}
	defer unlock()
	stored, err := loadSession()
	switch {
	case err != nil:
		return session{}, err
	case stored.Server != s.Server || stored.Email != s.Email || stored.RefreshToken == "":
		return s, nil // logged out, or in elsewhere: the server will say what the token is worth
	case stored.goodWithout(refused):
		return stored, nil
	}
	r, err := newRemote(session{Server: s.Server})
	if err != nil {
		return session{}, err
	}
	defer r.Close()
	granted, err := client.Decode[api.Session](r.RefreshSession(ctx, api.Refresh{RefreshToken: stored.RefreshToken}))
	if err != nil {
		return session{}, err
	}
	stored = stored.with(granted)
	return stored, stored.save()
}

// with is the log-in with the tokens that the server has granted.
func (s session) with(granted api.Session) session {
	life := time.Duration(granted.ExpiresIn) * time.Second
	s.Token, s.ExpiresAt = granted.AccessToken, time.Now().Add(life).UTC().Truncate(time.Second)
	s.RefreshToken = ""
	if granted.RefreshToken != nil {
		s.RefreshToken = *granted.RefreshToken
	}
	return s
}

// lockSession keeps other commands from changing the stored log-in until unlock is called.
func lockSession(ctx context.Context) (unlock func(), err error) {
	path, err := sessionPath()
	if err != nil {
		return nil, err
	}
	if err := makeSessionDir(path); err != nil {
		return nil, err
	}
	file, err := os.Open(filepath.Dir(path)) // the file itself is replaced all the time
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { _ = file.Close() }, nil // which unlocks it, and nothing was written
		}
		if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, unix.EINTR) {
			err = sleep(ctx, lockPause)
		}
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
	}
}
