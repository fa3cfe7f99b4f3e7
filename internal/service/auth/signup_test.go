package auth_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unreel/unreel/internal/service/auth"
)

func TestTooManySignUps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		mallory := from("192.0.2.1")
		signUp := func(i int, who func(*http.Request)) *http.Response {
			return b.call(t, "POST", "/users", credentials(fmt.Sprintf("user%d@example.com", i), password), who)
		}
		for range 40 { // what is filled in badly costs nothing
			_ = mustProblem(t, b.call(t, "POST", "/users", credentials("bob", "x"), mallory), http.StatusUnprocessableEntity, "invalid")
		}
		for i := range 20 {
			mustStatus(t, signUp(i, mallory), http.StatusCreated)
		}
		for i := range 10 { // who asks whether others have an account pays for it
			_ = mustProblem(t, signUp(i, mallory), http.StatusConflict, "address-taken")
		}
		response := signUp(20, mallory)
		mustLimitOf(t, response, "sign-up", "q=30;w=600", "20")
		_ = mustProblem(t, response, http.StatusTooManyRequests, "too-many-sign-ups")
		mustStatus(t, signUp(20, from("192.0.2.2")), http.StatusCreated)
		pass(20 * time.Second)
		mustStatus(t, signUp(21, mallory), http.StatusCreated)
		mustStatus(t, signUp(22, mallory), http.StatusTooManyRequests)
	})
}

func TestSignUpsWithoutLimit(t *testing.T) {
	b := newBench(t, func(config *auth.Config) { config.RateLimit = false })
	for i := range 40 {
		mustStatus(t, b.call(t, "POST", "/users", credentials(fmt.Sprintf("user%d@example.com", i), password)), http.StatusCreated)
	}
}
