package deploy

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// rules is what must hold of every overlay. A rule returns what is wrong.
var rules = map[string]func(*cluster) []string{
	"everything is in the namespace":         inNamespace,
	"the namespace takes restricted pods":    namespaceRestricted,
	"every container is restricted":          containersRestricted,
	"probes are on":                          probed,
	"images are pinned":                      imagesPinned,
	"resources are said":                     resourced,
	"pods end in peace":                      graceful,
	"selectors match":                        selectorsMatch,
	"what is referred to is there":           referencesExist,
	"settings are known":                     settingsKnown,
	"only the gateway is reached by Ingress": doors,
	"links lead to the Ingress":              publicURL,
	"pods talk as they must and no more":     flows,
	"as many pods as there must be":          replicas,
	"passwords agree":                        passwordsAgree,
	"converters have room":                   scratch,
}

func TestOverlays(t *testing.T) {
	for overlay := range overlays {
		t.Run(overlay, func(t *testing.T) {
			c := load(t, overlay)
			for _, name := range slices.Sorted(maps.Keys(rules)) {
				for _, wrong := range rules[name](c) {
					t.Errorf("%s: %s", name, wrong)
				}
			}
		})
	}
}

// complaints collects what is wrong.
type complaints []string

func (c *complaints) add(format string, args ...any) { *c = append(*c, fmt.Sprintf(format, args...)) }

func inNamespace(c *cluster) (wrong []string) {
	for _, object := range c.all {
		if object.GetNamespace() != namespace && object.GetName() != namespace {
			wrong = append(wrong, object.GetName()+" is in "+object.GetNamespace())
		}
	}
	return wrong
}

func namespaceRestricted(c *cluster) (wrong []string) {
	for _, mode := range []string{"enforce", "audit", "warn"} {
		if c.namespace.Labels["pod-security.kubernetes.io/"+mode] != "restricted" {
			wrong = append(wrong, "the label for "+mode+" is missing")
		}
	}
	return wrong
}

// containers calls back with every container of every pod.
func (c *cluster) containers(use func(workload, *corev1.Container)) {
	for _, w := range c.workloads {
		for _, containers := range [][]corev1.Container{w.template.Spec.InitContainers, w.template.Spec.Containers} {
			for i := range containers {
				use(w, &containers[i])
			}
		}
	}
}

// operated tells whether the rest of the container is RabbitMQ's operator's to say.
func (w workload) operated() bool { return w.kind == "RabbitmqCluster" }
