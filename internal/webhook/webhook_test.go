package webhook_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"go.uber.org/goleak"

	"github.com/unreel/unreel/internal/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCheckURL(t *testing.T) {
	for text, want := range map[string]webhook.Mode{ // the strictest mode that allows it; "" for none
		"https://example.com":                        webhook.Public,
		"https://example.com:8443/hook?a=b":          webhook.Public,
		"https://8.8.8.8/":                           webhook.Public,
		"https://[2606:4700::1111]/":                 webhook.Public,
		"http://example.com/":                        webhook.Any,
		"https://localhost/":                         webhook.Any,
		"https://a.LOCALHOST./":                      webhook.Any,
		"https://127.0.0.1/":                         webhook.Any,
		"https://10.1.2.3/":                          webhook.Any,
		"https://169.254.169.254/latest/":            webhook.Any,
		"https://100.64.0.1/":                        webhook.Any,
		"https://0.0.0.0/":                           webhook.Any,
		"https://[::1]/":                             webhook.Any,
		"https://[::ffff:127.0.0.1]/":                webhook.Any,
		"https://[::ffff:10.0.0.1]/":                 webhook.Any,
		"https://[64:ff9b::7f00:1]/":                 webhook.Any,
		"https://[fd00::1]/":                         webhook.Any,
		"https://[fe80::1%25eth0]/":                  webhook.Any,
		"https://[2002:7f00:1::]/":                   webhook.Any,
		"":                                           "",
		"example.com":                                "",
		"ftp://example.com/":                         "",
		"file:///etc/passwd":                         "",
		"gopher://example.com/":                      "",
		"https://":                                   "",
		"https://:443/":                              "",
		"https://ada:secret@example.com/":            "",
		"https://example.com/#x":                     "",
		"https://example.com:0/":                     "",
		"https://example.com:65536/":                 "",
		"https://example.com:/":                      webhook.Public,
		"https://exa mple.com/":                      "",
		"https://example.com/\r\nHost: x":            "",
		"https://bücher.example/":                    "",
		"https://e.com/" + strings.Repeat("a", 2000): "",
	} {
		if err := webhook.CheckURL(text, webhook.Public); (err == nil) != (want == webhook.Public) {
			t.Errorf("%s in public: %v", text, err)
		}
		if err := webhook.CheckURL(text, webhook.Any); (err == nil) != (want != "") {
			t.Errorf("%s in any: %v", text, err)
		}
	}
}

// receiver answers with a status, and checks signatures as receivers do.
func receiver(t *testing.T, secret []byte, status int) (url string, calls *int) {
	t.Helper()
	calls = new(int)
	verifier, err := standardwebhooks.NewWebhook(webhook.FormatSecret(secret))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*calls++
		body, err := io.ReadAll(r.Body)
		if err := errors.Join(err, verifier.Verify(body, r.Header)); err != nil {
			t.Error(err)
		}
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("webhook-id") != "1_2" || string(body) != `{"a":1}` {
			t.Errorf("%s %v %s", r.Method, r.Header, body)
		}
		w.Header().Set("Location", "http://127.0.0.1:1/")
		w.WriteHeader(status)
		_, _ = w.Write(make([]byte, 1<<20))
	}))
	t.Cleanup(server.Close)
	return server.URL, calls
}

func TestCall(t *testing.T) {
	secret := webhook.NewSecret()
	caller := webhook.NewCaller(webhook.Any)
	for status, want := range map[int]string{200: "", 299: "", 301: "301", 404: "404", 410: "no more calls", 500: "500"} {
		url, calls := receiver(t, secret, status)
		err := caller.Do(t.Context(), webhook.Call{ID: "1_2", URL: url, Secret: secret, Payload: []byte(`{"a":1}`)})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) || *calls != 1 {
			t.Errorf("%d: %v, %d calls", status, err, *calls)
		}
		if errors.Is(err, webhook.ErrGone) != (status == 410) {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// TestErrorsHideTheAddress has calls fail in several ways. Many addresses are secrets, and errors are logged.
func TestErrorsHideTheAddress(t *testing.T) {
	url, _ := receiver(t, []byte("secret"), http.StatusNotFound)
	for address, mode := range map[string]webhook.Mode{
		url: webhook.Public, "http://127.0.0.1:1": webhook.Any, strings.Replace(url, "http:", "https:", 1): webhook.Any, url + "/": webhook.Any, "http://[": webhook.Any,
	} {
		err := webhook.NewCaller(mode).Do(t.Context(), webhook.Call{ID: "1_2", URL: address + "/services/B01?key=hush", Secret: []byte("secret"), Payload: []byte(`{"a":1}`)})
		if err == nil || strings.Contains(err.Error(), "services") || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestPublicIsEncrypted has an address called that was named while more was allowed.
func TestPublicIsEncrypted(t *testing.T) {
	call := webhook.Call{ID: "1_2", URL: "http://example.com/", Secret: webhook.NewSecret(), Payload: []byte("{}")}
	if err := webhook.NewCaller(webhook.Public).Do(t.Context(), call); err == nil || !strings.Contains(err.Error(), "https://") {
		t.Errorf("got %v", err)
	}
}

// TestNothingInside calls a server of this machine by its address and by a name that leads there.
func TestNothingInside(t *testing.T) {
	caller := webhook.NewCaller(webhook.Public)
	url, calls := receiver(t, []byte("secret"), http.StatusOK)
	url = strings.Replace(url, "http:", "https:", 1)
	for _, address := range []string{url, strings.Replace(url, "127.0.0.1", "localhost", 1), strings.Replace(url, "127.0.0.1", "[::ffff:127.0.0.1]", 1)} {
		err := caller.Do(t.Context(), webhook.Call{ID: "1_2", URL: address, Secret: []byte("secret"), Payload: []byte(`{"a":1}`)})
		if err == nil || !strings.Contains(err.Error(), "UNREEL_WEBHOOKS") {
			t.Errorf("%s: %v", address, err)
		}
	}
	if *calls != 0 {
		t.Errorf("%d calls came through", *calls)
	}
}
