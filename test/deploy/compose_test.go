package deploy

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

func compose(t *testing.T, env ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{"../../deploy/compose.yaml"}, cli.WithEnv(env))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(context.Background()) // checks against the Compose specification's schema
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// commands is the services of ours in compose.yaml.
var commands = []string{"migrate", "auth", "gateway", "converter", "notifier"}

func TestCompose(t *testing.T) {
	project := compose(t)
	if names := project.ServiceNames(); len(names) != len(commands)+4 {
		t.Fatalf("services: %v", names)
	}
	for name, service := range project.Services {
		if service.ContainerName != "" {
			t.Errorf("%s cannot be scaled: it has a name", name)
		}
		if !pinned.MatchString(service.Image) {
			t.Errorf("%s has the image %q", name, service.Image)
		}
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s is reached from elsewhere at %s", name, port.Published)
			}
		}
		if name != "migrate" && (service.HealthCheck == nil || len(service.HealthCheck.Test) == 0) {
			t.Errorf("%s has no healthcheck", name)
		}
	}
	for _, name := range commands {
		checkOurs(t, project.Services[name])
	}
	if len(project.Services["converter"].Ports) != 0 {
		t.Error("converters cannot be scaled: they share a port")
	}
	if volumes := project.Services["converter"].Volumes; len(volumes) != 1 || volumes[0].Source != "" || volumes[0].Target != "/tmp" {
		t.Errorf("converters have %v, not a /tmp for each", volumes)
	}
}

// checkOurs holds a service of ours to what a pod is held to.
func checkOurs(t *testing.T, service types.ServiceConfig) {
	t.Helper()
	if !service.ReadOnly || service.User != "65532:65532" || service.Privileged ||
		!slices.Equal(service.CapDrop, []string{"ALL"}) || !slices.Contains(service.SecurityOpt, "no-new-privileges:true") {
		t.Errorf("%s is not restricted", service.Name)
	}
	if !slices.Equal(service.Command, types.ShellCommand{service.Name}) {
		t.Errorf("%s runs %v", service.Name, service.Command)
	}
	if service.StopGracePeriod == nil || time.Duration(*service.StopGracePeriod) < drain {
		t.Errorf("%s is killed while it drains", service.Name)
	}
	names, err := known(service.Name)
	if err != nil {
		t.Fatal(err)
	}
	for name := range service.Environment {
		if !names[name] {
			t.Errorf("%s does not know %s", service.Name, name)
		}
	}
	for _, name := range needed[service.Name] {
		if _, found := service.Environment[name]; !found && !slices.Contains([]string{"UNREEL_ADMIN_ADDR", "UNREEL_TRUSTED_PROXIES", "UNREEL_MAIL_FROM"}, name) {
			t.Errorf("%s lacks %s", service.Name, name)
		}
	}
}

// TestComposeStartOrder is the order of starts: servers, tables, services.
func TestComposeStartOrder(t *testing.T) {
	project := compose(t)
	for name, want := range map[string]map[string]string{
		"migrate":   {"mysql": "service_healthy"},
		"auth":      {"migrate": "service_completed_successfully"},
		"gateway":   {"migrate": "service_completed_successfully", "auth": "service_healthy", "mongodb": "service_healthy", "rabbitmq": "service_healthy"},
		"converter": {"migrate": "service_completed_successfully", "mongodb": "service_healthy", "rabbitmq": "service_healthy"},
		"notifier":  {"migrate": "service_completed_successfully", "rabbitmq": "service_healthy", "mailpit": "service_healthy"},
	} {
		got := project.Services[name].DependsOn
		if len(got) != len(want) {
			t.Errorf("%s waits for %v", name, got)
		}
		for server, condition := range want {
			if got[server].Condition != condition {
				t.Errorf("%s waits for %s to be %q, not %q", name, server, got[server].Condition, condition)
			}
		}
	}
}

// TestComposeHealthChecks keeps to what Docker 20.10 can, and to what can be asked of a server that is still starting.
func TestComposeHealthChecks(t *testing.T) {
	for name, service := range compose(t).Services {
		check := service.HealthCheck
		if check == nil {
			t.Errorf("%s has no health check", name)
			continue
		}
		if check.StartInterval != nil {
			t.Errorf("%s: start_interval needs Docker 25", name)
		}
		if len(check.Test) > 1 && strings.HasPrefix(check.Test[1], "rabbitmq") {
			t.Errorf("%s: %v makes an Erlang cookie that is root's before the server has one", name, check.Test)
		}
	}
}

// TestComposePasswords gives other passwords, and expects none of the public ones to be left.
func TestComposePasswords(t *testing.T) {
	own := compose(t, "MYSQL_PASSWORD=one", "MONGODB_PASSWORD=two", "RABBITMQ_PASSWORD=three")
	text, err := own.MarshalYAML()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "laptop-only") {
		t.Errorf("a public password is left:\n%s", text)
	}
	for _, url := range []string{"unreel:one@mysql", "unreel:two@mongodb", "unreel:three@rabbitmq"} {
		if !strings.Contains(string(text), url) {
			t.Errorf("nobody has %s", url)
		}
	}
}

// TestSameServers holds compose.yaml and the overlays to the same versions of servers.
func TestSameServers(t *testing.T) {
	images := map[string]string{}
	for name, service := range compose(t).Services {
		images[name] = service.Image
	}
	for _, overlay := range []string{"minikube", "production"} {
		for _, w := range load(t, overlay).workloads {
			image, found := images[w.name]
			for _, container := range w.template.Spec.Containers {
				if found && w.component() == "" && container.Image != image {
					t.Errorf("%s: %s is %s, in compose.yaml %s", overlay, w.name, container.Image, image)
				}
			}
		}
	}
}
