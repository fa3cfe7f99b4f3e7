package deploy

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestServicesTakeTheirSettings starts each service with what its pod would have; only the addresses are this
// machine's. Settings that cannot work are refused at the start, servers that are away are waited for.
func TestServicesTakeTheirSettings(t *testing.T) {
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	for overlay := range overlays {
		c := load(t, overlay)
		if overlay == "production" {
			c.secrets = bringSecrets()
		}
		for _, w := range c.workloads {
			if !w.isService() {
				continue
			}
			t.Run(overlay+"/"+w.name, func(t *testing.T) {
				t.Parallel()
				settings := c.environment(&w.template.Spec.Containers[0])
				admin := freePort(t)
				settings["UNREEL_ADMIN_ADDR"] = admin
				settings["UNREEL_ADDR"] = freePort(t)
				settings["UNREEL_AUTH_ADDR"] = freePort(t)
				live(t, path, w.name, settings, admin)
			})
		}
	}
}

// bringSecrets is the Secrets that production does not have itself.
func bringSecrets() map[string]map[string]string {
	secrets := map[string]map[string]string{
		"rabbitmq-default-user": {"connection_string": "amqp://default_user_x:y-z@rabbitmq.unreel.svc:5672/"},
	}
	for key, value := range exampleSecret() {
		secret, name, _ := strings.Cut(key, "/")
		if secrets[secret] == nil {
			secrets[secret] = map[string]string{}
		}
		// The form that asks DNS at the start would wait for an answer that nobody gives here.
		secrets[secret][name] = strings.Replace(value, "mongodb+srv://", "mongodb://", 1)
	}
	return secrets
}

func live(t *testing.T, program, command string, settings map[string]string, admin string) {
	t.Helper()
	var output bytes.Buffer
	service := exec.Command(program, command)
	service.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "TMPDIR=" + t.TempDir()}
	for name, value := range settings {
		service.Env = append(service.Env, name+"="+value)
	}
	service.Stdout, service.Stderr = &output, &output
	if err := service.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- service.Wait() }()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for !answers(ctx, "http://"+admin+"/livez") {
		select {
		case err := <-ended:
			t.Fatalf("it ended: %v\n%s", err, output.Bytes())
		case <-ctx.Done():
			t.Fatal("it never lived")
		case <-time.After(50 * time.Millisecond):
		}
	}
	if err := service.Process.Signal(syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	<-ended
}

func answers(ctx context.Context, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
