package deploy

import (
	"regexp"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// containersRestricted asks what the API server itself asks of a pod, and more: a root file system that cannot be
// written to, and no token for the API server.
func containersRestricted(c *cluster) []string {
	var wrong complaints
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return []string{err.Error()}
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, w := range c.workloads {
		results := evaluator.EvaluatePod(level, &w.template.ObjectMeta, &w.template.Spec)
		if sum := policy.AggregateCheckResults(results); !sum.Allowed {
			wrong.add("%s: %s", w.name, sum.ForbiddenDetail())
		}
		if w.operated() {
			continue
		}
		if token := w.template.Spec.AutomountServiceAccountToken; token == nil || *token {
			wrong.add("%s has a service account's token", w.name)
		}
		if user := w.template.Spec.SecurityContext.RunAsUser; user == nil || *user == 0 {
			wrong.add("%s does not say as which user it runs", w.name)
		}
	}
	c.containers(func(w workload, container *corev1.Container) {
		if container.SecurityContext == nil {
			wrong.add("%s has no security context", container.Name)
			return
		}
		if only := container.SecurityContext.ReadOnlyRootFilesystem; !w.operated() && (only == nil || !*only) {
			wrong.add("%s can write to its root file system", container.Name)
		}
	})
	return wrong
}

func probed(c *cluster) []string {
	var wrong complaints
	c.containers(func(w workload, container *corev1.Container) {
		if w.kind == "Job" || w.operated() {
			return
		}
		for path, probe := range map[string]*corev1.Probe{"/livez": container.LivenessProbe, "/readyz": container.ReadinessProbe} {
			switch {
			case probe == nil:
				wrong.add("%s has no probe for %s", container.Name, path)
			case probe.HTTPGet != nil && !hasPort(container, probe.HTTPGet.Port.StrVal):
				wrong.add("%s is probed at a port that it does not have", container.Name)
			case probe.TCPSocket != nil && !hasPort(container, probe.TCPSocket.Port.StrVal):
				wrong.add("%s is probed at a port that it does not have", container.Name)
			case w.isService() && (probe.HTTPGet == nil || probe.HTTPGet.Port.StrVal != "admin"):
				wrong.add("%s is not probed at its admin port", container.Name)
			case w.isService() && strings.SplitN(probe.HTTPGet.Path, "?", 2)[0] != path:
				wrong.add("%s is probed at %s instead of %s", container.Name, probe.HTTPGet.Path, path)
			}
		}
	})
	return wrong
}

func hasPort(container *corev1.Container, name string) bool {
	for _, port := range container.Ports {
		if port.Name == name {
			return true
		}
	}
	return false
}

// pinned is an image with a version or, for what is built here, a tag of its own, or with a digest.
var pinned = regexp.MustCompile(`^[a-z0-9./-]+(:(v?[0-9]+\.[0-9]+\.[0-9]+[a-z0-9.-]*|local)|@sha256:[0-9a-f]{64})$`)

func imagesPinned(c *cluster) []string {
	var wrong complaints
	c.containers(func(w workload, container *corev1.Container) {
		operatorsOwn := w.operated() && container.Image == "" // an init container
		if !operatorsOwn && !pinned.MatchString(container.Image) {
			wrong.add("%s has the image %q", container.Name, container.Image)
		}
		ours := strings.TrimPrefix(strings.Split(container.Image, ":")[0], "registry.example.com/")
		want := map[string]string{"converter": "unreel-converter"}[w.component()]
		if want == "" {
			want = "unreel"
		}
		if w.component() != "" && w.component() != "rabbitmq" && ours != want {
			wrong.add("%s runs %s, not %s", container.Name, ours, want)
		}
	})
	return wrong
}

func resourced(c *cluster) []string {
	var wrong complaints
	check := func(name string, resources corev1.ResourceRequirements) {
		memory, limit := resources.Requests[corev1.ResourceMemory], resources.Limits[corev1.ResourceMemory]
		cpu := resources.Requests[corev1.ResourceCPU]
		if cpu.IsZero() || memory.IsZero() || limit.IsZero() {
			wrong.add("%s does not say what it needs and how much memory it may have", name)
		}
		if memory.Cmp(limit) > 0 {
			wrong.add("%s asks for more memory than it may have", name)
		}
	}
	c.containers(func(w workload, container *corev1.Container) {
		if !w.operated() {
			check(container.Name, container.Resources)
		}
		cores := slices.ContainsFunc(container.Env, func(env corev1.EnvVar) bool { return env.Name == "GOMAXPROCS" })
		if (container.Name == "auth" || container.Name == "converter") && !cores {
			wrong.add("%s needs memory for each core of its node, however many there are: GOMAXPROCS is missing", container.Name)
		}
		for _, env := range container.Env {
			if env.Name != "GOMEMLIMIT" {
				continue
			}
			soft, err := resource.ParseQuantity(strings.TrimSuffix(env.Value, "B"))
			if hard := container.Resources.Limits[corev1.ResourceMemory]; err != nil || soft.Cmp(hard) >= 0 {
				wrong.add("%s: GOMEMLIMIT %s is not below the limit %s", container.Name, env.Value, hard.String())
			}
		}
	})
	if c.rabbitmq != nil {
		check("rabbitmq", *c.rabbitmq.Spec.Resources)
	}
	return wrong
}

// drain is how long a service may take to end after SIGTERM; docs/operations.md promises it.
const drain = 30 * time.Second

func graceful(c *cluster) []string {
	var wrong complaints
	for _, w := range c.workloads {
		if !w.isService() {
			continue
		}
		if w.template.Spec.TerminationGracePeriodSeconds == nil {
			wrong.add("%s has Kubernetes' own grace, which a preStop uses up", w.name)
			continue
		}
		grace := time.Duration(*w.template.Spec.TerminationGracePeriodSeconds) * time.Second
		for _, container := range w.template.Spec.Containers {
			if container.Lifecycle == nil || container.Lifecycle.PreStop == nil || container.Lifecycle.PreStop.Sleep == nil {
				wrong.add("%s does not wait for its leave to be known (and has no shell to do it otherwise)", w.name)
				continue
			}
			wait := time.Duration(container.Lifecycle.PreStop.Sleep.Seconds) * time.Second
			if wait < time.Second || grace < wait+drain {
				wrong.add("%s waits for %v, drains for %v and is killed after %v", w.name, wait, drain, grace)
			}
		}
		if len(w.template.Spec.TopologySpreadConstraints) == 0 {
			wrong.add("%s may have all its pods on one node", w.name)
		}
	}
	return wrong
}

// scratch is whether a converter's /tmp holds the largest video and its MP3.
func scratch(c *cluster) []string {
	var wrong complaints
	largest := resource.MustParse("4Gi") // the default of UNREEL_MAX_UPLOAD
	for _, w := range c.workloads {
		if w.component() != "converter" {
			continue
		}
		var found bool
		for _, volume := range w.template.Spec.Volumes {
			if volume.EmptyDir == nil || volume.EmptyDir.SizeLimit == nil {
				continue
			}
			found = true
			limit := w.template.Spec.Containers[0].Resources.Limits[corev1.ResourceEphemeralStorage]
			if volume.EmptyDir.SizeLimit.Cmp(largest) <= 0 || limit.Cmp(*volume.EmptyDir.SizeLimit) < 0 {
				wrong.add("%s has too little room", w.name)
			}
		}
		if !found || len(w.template.Spec.Containers[0].VolumeMounts) != 1 || w.template.Spec.Containers[0].VolumeMounts[0].MountPath != "/tmp" {
			wrong.add("%s has no /tmp", w.name)
		}
	}
	return wrong
}
