package faults

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/unreel/unreel/test/harness"
)

// tokenLife is how long a token is used: a little less than it lasts.
const tokenLife = 10 * time.Minute

// token is somebody's, renewed in time by whoever needs it first.
type token struct {
	mutex sync.Mutex
	text  string
	since time.Time
}

// of returns a user's token that can still be used.
func (k *token) of(ctx context.Context, url string, user *harness.User) (string, error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if k.text != "" && time.Since(k.since) < tokenLife {
		return k.text, nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/login", http.NoBody)
	if err != nil {
		return "", err
	}
	request.SetBasicAuth(user.Email, harness.Password)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("log in: %d %s", response.StatusCode, text)
	}
	k.text, k.since = string(text), time.Now()
	return k.text, nil
}
