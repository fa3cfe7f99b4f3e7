package servers

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rabbitmq/amqp091-go"
)

// RabbitMQ returns the URL of a new, empty virtual host, amqp://user:password@host:port/name, on a broker that
// the tests of this process share. The virtual host is deleted when the test ends.
func RabbitMQ(t testing.TB) string {
	t.Helper()
	server, err := sharedRabbitMQ()
	if err != nil {
		t.Fatal(err)
	}
	return server.VirtualHost(t)
}

var sharedRabbitMQ = once(func(ctx context.Context) (*RabbitMQServer, error) { return startRabbitMQ(ctx, nil) })

// RabbitMQServer is a broker that belongs to one test.
type RabbitMQServer struct {
	Server
	epmd       *process // the port mapper without which Erlang does not start
	address    *url.URL // of AMQP
	management *url.URL // of the HTTP API
}

// NewRabbitMQ starts a broker for this test alone, with lines added to its rabbitmq.conf. It takes some seconds.
func NewRabbitMQ(t testing.TB, config ...string) *RabbitMQServer {
	t.Helper()
	return own(t, func(ctx context.Context) (*RabbitMQServer, error) { return startRabbitMQ(ctx, config) })
}

// VirtualHost returns the URL of a new, empty virtual host. It is deleted when the test ends, if the broker is
// up then.
func (s *RabbitMQServer) VirtualHost(t testing.TB) string {
	t.Helper()
	name := "unreel-" + strings.ToLower(rand.Text())
	if err := s.manage(t.Context(), http.MethodPut, "vhosts", name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.manage(ctx, http.MethodDelete, "vhosts", name); err != nil && !isRefused(err) {
			t.Error(err)
		}
	})
	return s.address.JoinPath(name).String()
}

// Control runs rabbitmqctl on this broker: Control(t, "set_vm_memory_high_watermark", "0") raises its memory alarm.
func (s *RabbitMQServer) Control(t testing.TB, args ...string) string {
	t.Helper()
	program, err := find(scripts + "rabbitmqctl")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(os.Environ(), s.env...)
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("rabbitmqctl %s: %v\n%s", strings.Join(args, " "), err, output)
	}
	return string(output)
}

// Sync has the broker write down at once what it otherwise keeps in memory for up to three seconds: which quorum
// queues it has. A broker that is killed before that (seen with 3.10) never elects a leader for such a queue
// again, and all that is asked of it waits for ever.
func (s *RabbitMQServer) Sync(t testing.TB) {
	t.Helper()
	s.Control(t, "eval", "[ok = dets:sync(Table) || Table <- dets:all()].")
}

// scripts is where Debian has what its own wrappers in the PATH run: the wrappers insist on the package's user
// and directories.
const scripts = "/usr/lib/rabbitmq/bin/"

// close ends the broker and its port mapper.
func (s *RabbitMQServer) close() error {
	err := s.Server.close()
	s.epmd.kill()
	return err
}

func startRabbitMQ(ctx context.Context, config []string) (*RabbitMQServer, error) {
	program, err := find(scripts + "rabbitmq-server")
	if err != nil {
		return nil, err
	}
	dir, err := directory("rabbitmq")
	if err != nil {
		return nil, err
	}
	var ports rabbitmqPorts
	for _, port := range []*int{&ports.amqp, &ports.management, &ports.distribution, &ports.epmd} {
		if *port, err = freePort(ctx); err != nil {
			return nil, err
		}
	}
	account := url.UserPassword("unreel", rand.Text())
	if err := configure(dir, ports, account, config); err != nil {
		return nil, err
	}
	epmd, err := startPortMapper(ctx, dir, ports.epmd)
	if err != nil {
		return nil, err
	}
	server := &RabbitMQServer{
		epmd:       epmd,
		address:    &url.URL{Scheme: "amqp", User: account, Host: local(ports.amqp)},
		management: &url.URL{Scheme: "http", User: account, Host: local(ports.management), Path: "/api/"},
	}
	server.Server = Server{
		name: "rabbitmq", dir: dir, argv: []string{program}, env: rabbitmqEnvironment(dir, ports), ready: server.serves,
	}
	if err := server.start(ctx); err != nil {
		return nil, errors.Join(err, server.close())
	}
	return server, nil
}

// rabbitmqPorts are those that a broker listens on, all of them on 127.0.0.1.
type rabbitmqPorts struct{ amqp, management, distribution, epmd int }

// configure writes the broker's configuration files.
func configure(dir string, ports rabbitmqPorts, account *url.Userinfo, more []string) error {
	password, _ := account.Password()
	lines := append([]string{
		"listeners.tcp.1 = " + local(ports.amqp),
		"management.tcp.ip = 127.0.0.1",
		"management.tcp.port = " + strconv.Itoa(ports.management),
		"default_user = " + account.Username(),
		"default_pass = " + password,
		"log.console = true",
		"log.file = false",
		"disk_free_limit.absolute = 50MB",
	}, more...)
	for name, content := range map[string]string{
		"rabbitmq.conf":     strings.Join(lines, "\n") + "\n",
		"advanced.config":   "[].\n",
		"enabled_plugins":   "[rabbitmq_management].\n",
		"rabbitmq-env.conf": "",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			return fmt.Errorf("configure rabbitmq: %w", err)
		}
	}
	return nil
}

// rabbitmqEnvironment keeps the broker, and rabbitmqctl for it, away from the configuration of this machine.
func rabbitmqEnvironment(dir string, ports rabbitmqPorts) []string {
	return []string{
		"HOME=" + dir, // of the cookie
		"ERL_EPMD_ADDRESS=127.0.0.1",
		"ERL_EPMD_PORT=" + strconv.Itoa(ports.epmd),
		"RABBITMQ_NODENAME=unreel@localhost",
		"RABBITMQ_DIST_PORT=" + strconv.Itoa(ports.distribution),
		"RABBITMQ_CONF_ENV_FILE=" + filepath.Join(dir, "rabbitmq-env.conf"),
		"RABBITMQ_CONFIG_FILE=" + filepath.Join(dir, "rabbitmq.conf"),
		"RABBITMQ_ADVANCED_CONFIG_FILE=" + filepath.Join(dir, "advanced.config"),
		"RABBITMQ_ENABLED_PLUGINS_FILE=" + filepath.Join(dir, "enabled_plugins"),
		"RABBITMQ_GENERATED_CONFIG_DIR=" + filepath.Join(dir, "generated"),
		"RABBITMQ_FEATURE_FLAGS_FILE=" + filepath.Join(dir, "feature_flags"),
		"RABBITMQ_MNESIA_BASE=" + filepath.Join(dir, "data"),
		"RABBITMQ_LOG_BASE=" + filepath.Join(dir, "logs"),
		"RABBITMQ_LOGS=-",
		// With input allowed the script becomes the server instead of waiting for it, so that the process that
		// is killed, and that dies with us, is the server itself. It has no input all the same.
		"RABBITMQ_ALLOW_INPUT=true",
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-noinput -kernel inet_dist_use_interface {127,0,0,1}",
	}
}

// startPortMapper starts an epmd of our own. Left to itself Erlang would start one that outlives everything.
func startPortMapper(ctx context.Context, dir string, port int) (*process, error) {
	program, err := find("epmd")
	if err != nil {
		return nil, err
	}
	epmd, err := launch(dir, []string{program, "-address", "127.0.0.1", "-port", strconv.Itoa(port)}, nil)
	if err != nil {
		return nil, fmt.Errorf("start epmd: %w", err)
	}
	err = epmd.await(ctx, func(ctx context.Context) error {
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", local(port))
		if err != nil {
			return err
		}
		return connection.Close()
	})
	if err != nil {
		epmd.kill()
		return nil, fmt.Errorf("start epmd: %w", err)
	}
	return epmd, nil
}

// serves returns nil when both AMQP and the HTTP API answer.
func (s *RabbitMQServer) serves(ctx context.Context) error {
	connection, err := amqp091.Dial(s.address.String() + "/")
	if err != nil {
		return err
	}
	return errors.Join(connection.Close(), s.manage(ctx, http.MethodGet, "overview"))
}

// manage makes one request of the management plugin's HTTP API.
func (s *RabbitMQServer) manage(ctx context.Context, method string, path ...string) error {
	request, err := http.NewRequestWithContext(ctx, method, s.management.JoinPath(path...).String(), http.NoBody)
	if err != nil {
		return err
	}
	password, _ := s.management.User.Password()
	request.SetBasicAuth(s.management.User.Username(), password)
	request.Close = true // a pooled connection would outlive the test
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusMultipleChoices {
		body, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
		return fmt.Errorf("rabbitmq: %s %s: %s %s", method, request.URL.Path, response.Status, body)
	}
	return nil
}
