package deploy

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// program builds unreel once.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(directory, "unreel")
	command := exec.Command("go", "build", "-o", path, "./cmd/unreel")
	command.Dir = "../.."
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, output)
	}
	return path, nil
})

// directory is for what the tests of this process make.
var directory string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if directory, err = os.MkdirTemp("", "unreel-deploy-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(directory)
	return m.Run()
}

var variable = regexp.MustCompile(`\$(UNREEL_[A-Z_]+)`)

// known is the settings that a command of unreel names in its help.
func known(command string) (map[string]bool, error) {
	path, err := program()
	if err != nil {
		return nil, err
	}
	help, err := exec.Command(path, command, "--help").Output()
	if err != nil {
		return nil, fmt.Errorf("unreel %s --help: %w", command, err)
	}
	names := map[string]bool{}
	for _, match := range variable.FindAllStringSubmatch(string(help), -1) {
		names[match[1]] = true
	}
	return names, nil
}

// needed is the settings that a service cannot do without, or that whoever runs it is to find at once.
var needed = map[string][]string{
	"auth":      {"UNREEL_DATABASE", "UNREEL_MAIL", "UNREEL_MAIL_FROM", "UNREEL_PUBLIC_URL", "UNREEL_SIGNUP", "UNREEL_ADMIN_ADDR"},
	"gateway":   {"UNREEL_DATABASE", "UNREEL_BLOBS", "UNREEL_QUEUE", "UNREEL_PUBLIC_URL", "UNREEL_WEBHOOKS", "UNREEL_ADMIN_ADDR", "UNREEL_TRUSTED_PROXIES"},
	"converter": {"UNREEL_DATABASE", "UNREEL_BLOBS", "UNREEL_QUEUE", "UNREEL_ADMIN_ADDR", "UNREEL_CONVERTERS"},
	"notifier":  {"UNREEL_DATABASE", "UNREEL_QUEUE", "UNREEL_MAIL", "UNREEL_MAIL_FROM", "UNREEL_PUBLIC_URL", "UNREEL_WEBHOOKS", "UNREEL_ADMIN_ADDR"},
	"migrate":   {"UNREEL_DATABASE"},
}

// settingsKnown is whether each setting is one that its command knows: others are ignored without a word.
func settingsKnown(c *cluster) []string {
	var wrong complaints
	anywhere := map[string]bool{}
	c.containers(func(w workload, container *corev1.Container) {
		if w.component() == "" || w.operated() {
			return
		}
		if len(container.Args) != 1 || container.Args[0] != w.component() || container.Command != nil {
			wrong.add("%s runs %v %v", w.name, container.Command, container.Args)
		}
		names, err := known(w.component())
		if err != nil {
			wrong.add("%v", err)
		}
		for name := range names {
			anywhere[name] = true
		}
		for _, env := range container.Env {
			if env.Name != "GOMEMLIMIT" && env.Name != "GOMAXPROCS" && !names[env.Name] {
				wrong.add("%s does not know %s", w.name, env.Name)
			}
			if strings.Contains(env.Value, "://") {
				wrong.add("%s has %s, which may have a password in it, in the open", w.name, env.Name)
			}
		}
		given := c.environment(container)
		for _, name := range needed[w.component()] {
			if _, found := given[name]; !found {
				wrong.add("%s lacks %s", w.name, name)
			}
		}
		for name, port := range map[string]string{"UNREEL_ADMIN_ADDR": "admin", "UNREEL_ADDR": "http", "UNREEL_AUTH_ADDR": "http"} {
			if address, found := given[name]; found && !listens(container, address, port) {
				wrong.add("%s listens at %s, which is not its port %s for the whole pod", w.name, address, port)
			}
		}
	})
	for _, settings := range c.settings {
		for name := range settings.Data {
			if !anywhere[name] {
				wrong.add("nobody knows %s", name)
			}
		}
	}
	return append(wrong, c.authFound()...)
}

func listens(container *corev1.Container, address, name string) bool {
	for _, port := range container.Ports {
		if port.Name == name && address == fmt.Sprintf(":%d", port.ContainerPort) {
			return true
		}
	}
	return false
}

// authFound is whether the gateway looks for auth where it is.
func (c *cluster) authFound() []string {
	for _, settings := range c.settings {
		for _, service := range c.services {
			want := fmt.Sprintf("http://%s:%d", service.Name, service.Spec.Ports[0].Port)
			if service.Name == "auth" && settings.Data["UNREEL_AUTH_URL"] == want {
				return nil
			}
		}
	}
	return []string{"UNREEL_AUTH_URL is not where auth is"}
}

// environment is the variables of a container with their values; that of a Secret which is not here is empty.
func (c *cluster) environment(container *corev1.Container) map[string]string {
	values := map[string]string{}
	for _, from := range container.EnvFrom {
		if from.ConfigMapRef == nil || c.settings[from.ConfigMapRef.Name] == nil {
			continue
		}
		for name, value := range c.settings[from.ConfigMapRef.Name].Data {
			values[name] = value
		}
	}
	for _, env := range container.Env {
		values[env.Name] = env.Value
		if env.ValueFrom != nil && env.ValueFrom.SecretKeyRef != nil {
			values[env.Name] = c.secrets[env.ValueFrom.SecretKeyRef.Name][env.ValueFrom.SecretKeyRef.Key]
		}
	}
	return values
}

// hasKey tells whether a Secret has a key: one of this overlay, the one that the operator of RabbitMQ makes, or the
// one that production is told to bring along.
func (c *cluster) hasKey(secret, key string) bool {
	if _, found := c.secrets[secret][key]; found {
		return true
	}
	if c.overlay != "production" {
		return false
	}
	if c.rabbitmq != nil && secret == c.rabbitmq.Name+"-default-user" {
		return key == "username" || key == "password" || key == "connection_string"
	}
	_, found := exampleSecret()[secret+"/"+key]
	return found
}

// exampleSecret is the Secret that whoever runs production makes.
func exampleSecret() map[string]string {
	text, err := os.ReadFile("../../deploy/kubernetes/overlays/production/secret.example.yaml")
	if err != nil {
		return nil
	}
	var secret corev1.Secret
	if err := yaml.UnmarshalStrict(text, &secret); err != nil || secret.Namespace != namespace {
		return nil
	}
	keys := map[string]string{}
	for key, value := range secretData(&secret) {
		keys[secret.Name+"/"+key] = value
	}
	return keys
}

// referencesExist is whether each key of a Secret or ConfigMap that a pod names is there.
func referencesExist(c *cluster) []string {
	var wrong complaints
	c.containers(func(w workload, container *corev1.Container) {
		for _, from := range container.EnvFrom {
			if from.SecretRef != nil {
				wrong.add("%s takes a whole Secret", w.name)
			}
			if from.ConfigMapRef != nil && c.settings[from.ConfigMapRef.Name] == nil {
				wrong.add("%s: no ConfigMap %s", w.name, from.ConfigMapRef.Name)
			}
		}
		for _, env := range container.Env {
			if env.ValueFrom == nil {
				continue
			}
			if ref := env.ValueFrom.SecretKeyRef; ref == nil || !c.hasKey(ref.Name, ref.Key) {
				wrong.add("%s: %s refers to what is not there: %v", w.name, env.Name, env.ValueFrom)
			}
		}
		for _, mount := range container.VolumeMounts {
			if !c.hasVolume(w, mount.Name) {
				wrong.add("%s mounts %s, which is not there", w.name, mount.Name)
			}
		}
	})
	for _, ingress := range c.ingresses {
		for _, tls := range ingress.Spec.TLS {
			if tls.SecretName == "" {
				wrong.add("Ingress %s does not name its certificate", ingress.Name)
			}
		}
	}
	return wrong
}

func (c *cluster) hasVolume(w workload, name string) bool {
	for _, volume := range w.template.Spec.Volumes {
		if volume.Name == name {
			return true
		}
	}
	return w.kind == "StatefulSet" && name == "data"
}

// passwordsAgree is whether services get into the servers that are in the overlay: each URL's password is the
// server's, and its host a Service.
func passwordsAgree(c *cluster) []string {
	if c.overlay == "production" {
		return nil
	}
	var wrong complaints
	servers := map[string]map[string]string{}
	for _, w := range c.workloads {
		if w.component() == "" {
			servers[w.name] = c.environment(&w.template.Spec.Containers[0])
		}
	}
	for variable, password := range map[string]string{
		"UNREEL_DATABASE": servers["mysql"]["MYSQL_PASSWORD"],
		"UNREEL_BLOBS":    servers["mongodb"]["MONGO_INITDB_ROOT_PASSWORD"],
		"UNREEL_QUEUE":    servers["rabbitmq"]["RABBITMQ_DEFAULT_PASS"],
		"UNREEL_MAIL":     "",
	} {
		var found int
		c.containers(func(w workload, container *corev1.Container) {
			address, set := c.environment(container)[variable]
			if !set {
				return
			}
			found++
			parsed, err := url.Parse(address)
			if err != nil {
				wrong.add("%s: %v", variable, err)
				return
			}
			if given, _ := parsed.User.Password(); given != password {
				wrong.add("%s of %s has another password than the server", variable, w.name)
			}
			if _, there := servers[host(address)]; !there {
				wrong.add("%s of %s is at %s, which is not there", variable, w.name, host(address))
			}
		})
		if found == 0 {
			wrong.add("nobody has %s", variable)
		}
	}
	return wrong
}
