package deploy

import (
	"net/url"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// matches tells whether a selector of labels takes a pod.
func matches(selector *metav1.LabelSelector, w workload) bool {
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && parsed.Matches(labels.Set(w.template.Labels))
}

// selected is which workloads a selector takes.
func (c *cluster) selected(selector *metav1.LabelSelector) (names []string) {
	for _, w := range c.workloads {
		if matches(selector, w) {
			names = append(names, w.name)
		}
	}
	return names
}

func (c *cluster) find(name string) (workload, bool) {
	for _, w := range c.workloads {
		if w.name == name {
			return w, true
		}
	}
	return workload{}, false
}

// selectorsMatch is whether everything that looks for pods finds those of its own name, and those alone.
func selectorsMatch(c *cluster) []string {
	var wrong complaints
	check := func(kind, name string, selector *metav1.LabelSelector) {
		if found := c.selected(selector); len(found) != 1 || found[0] != name {
			wrong.add("%s %s selects %v", kind, name, found)
		}
	}
	for _, w := range c.workloads {
		if w.kind != "Job" {
			check(w.kind, w.name, w.selector)
		}
		for _, spread := range w.template.Spec.TopologySpreadConstraints {
			check("spread of "+w.kind, w.name, spread.LabelSelector)
		}
	}
	budgets := map[string]bool{}
	for _, budget := range c.budgets {
		check("PodDisruptionBudget", budget.Name, budget.Spec.Selector)
		budgets[budget.Name] = true
	}
	for _, w := range c.workloads {
		if w.isService() && !budgets[w.name] {
			wrong.add("%s has no PodDisruptionBudget", w.name)
		}
	}
	for _, service := range c.services {
		check("Service", service.Name, &metav1.LabelSelector{MatchLabels: service.Spec.Selector})
		w, _ := c.find(service.Name)
		for _, port := range service.Spec.Ports {
			if w.template != nil && !hasPort(&w.template.Spec.Containers[0], port.TargetPort.StrVal) {
				wrong.add("Service %s leads to a port %s that is not there", service.Name, port.TargetPort.StrVal)
			}
		}
	}
	return append(wrong, c.scalersMatch()...)
}

func (c *cluster) scalersMatch() []string {
	var wrong complaints
	targets := map[string]int{}
	for _, scaler := range c.scalers {
		targets[scaler.Spec.ScaleTargetRef.Kind+"/"+scaler.Spec.ScaleTargetRef.Name]++
	}
	for _, scaler := range c.keda {
		targets[scaler.Spec.ScaleTargetRef.Kind+"/"+scaler.Spec.ScaleTargetRef.Name]++
	}
	for _, want := range []string{"Deployment/gateway", "Deployment/converter"} {
		if targets[want] != 1 {
			wrong.add("%s has %d scalers", want, targets[want])
		}
		delete(targets, want)
	}
	for target := range targets {
		wrong.add("%s is scaled", target)
	}
	return wrong
}

// doors is who is reached from outside of the cluster, and how.
func doors(c *cluster) []string {
	var wrong complaints
	for _, service := range c.services {
		if service.Spec.Type != "" && service.Spec.Type != corev1.ServiceTypeClusterIP {
			wrong.add("%s is a %s", service.Name, service.Spec.Type)
		}
	}
	want := map[string]string{"gateway": "gateway/http"}
	if c.overlay != "production" {
		want["rabbitmq-manager"] = "rabbitmq/management"
	}
	for _, ingress := range c.ingresses {
		for _, rule := range ingress.Spec.Rules {
			for _, path := range rule.HTTP.Paths {
				if to := path.Backend.Service.Name + "/" + path.Backend.Service.Port.Name; to != want[ingress.Name] {
					wrong.add("Ingress %s leads to %s", ingress.Name, to)
				}
				if !c.hasServicePort(path.Backend.Service) {
					wrong.add("Ingress %s leads nowhere", ingress.Name)
				}
			}
		}
		if ingress.Spec.DefaultBackend != nil {
			wrong.add("Ingress %s has a default", ingress.Name)
		}
		delete(want, ingress.Name)
		if ingress.Name == "gateway" {
			wrong = append(wrong, unlimited(ingress)...)
		}
	}
	for name := range want {
		wrong.add("Ingress %s is missing", name)
	}
	return wrong
}

func (c *cluster) hasServicePort(backend *networkingv1.IngressServiceBackend) bool {
	for _, service := range c.services {
		for _, port := range service.Spec.Ports {
			if service.Name == backend.Name && port.Name == backend.Port.Name {
				return true
			}
		}
	}
	return false
}

// unlimited is whether a video of any size and an event stream of any length go through.
func unlimited(ingress *networkingv1.Ingress) []string {
	var wrong complaints
	for annotation, want := range map[string]string{
		"proxy-body-size": "0", "proxy-request-buffering": "off", "proxy-buffering": "off", "proxy-http-version": "1.1",
		"proxy-read-timeout": "3600", "proxy-send-timeout": "3600",
	} {
		if got := ingress.Annotations["nginx.ingress.kubernetes.io/"+annotation]; got != want {
			wrong.add("%s of the Ingress is %q, not %q", annotation, got, want)
		}
	}
	return wrong
}

// publicURL is whether what links begin with is where the Ingress listens.
func publicURL(c *cluster) []string {
	var wrong complaints
	hosts := map[string]string{"gateway": ""}
	for _, ingress := range c.ingresses {
		hosts[ingress.Name] = ingress.Spec.Rules[0].Host
		for _, tls := range ingress.Spec.TLS {
			if len(tls.Hosts) != 1 || tls.Hosts[0] != ingress.Spec.Rules[0].Host {
				wrong.add("Ingress %s has a certificate for %v", ingress.Name, tls.Hosts)
			}
		}
	}
	for _, settings := range c.settings {
		public, err := url.Parse(settings.Data["UNREEL_PUBLIC_URL"])
		if err != nil || public.Host == "" || public.Host != hosts["gateway"] {
			wrong.add("UNREEL_PUBLIC_URL is %s, the Ingress %s", settings.Data["UNREEL_PUBLIC_URL"], hosts["gateway"])
		}
		if want := map[bool]string{true: "https", false: "http"}[c.overlay == "production"]; public.Scheme != want {
			wrong.add("UNREEL_PUBLIC_URL is not %s", want)
		}
	}
	if c.overlay != "production" && (hosts["gateway"] != "mp3converter.com" || hosts["rabbitmq-manager"] != "rabbitmq-manager.com") {
		wrong.add("the hosts are not those of the first version: %v", hosts)
	}
	return wrong
}

// replicas is how many pods there are without load.
func replicas(c *cluster) []string {
	var wrong complaints
	want := map[string]int32{"gateway": 2, "auth": 2, "converter": 4, "notifier": 2, "mysql": 1, "mongodb": 1, "rabbitmq": 1, "mailpit": 1}
	if c.overlay == "production" {
		want["rabbitmq"] = 3
	}
	scaled := map[string]int32{}
	for _, scaler := range c.scalers {
		scaled[scaler.Name] = *scaler.Spec.MinReplicas
	}
	for _, scaler := range c.keda {
		scaled[scaler.Name] = *scaler.Spec.MinReplicaCount
		wrong = append(wrong, c.byQueue(scaler)...)
		if scaler.Spec.MinReplicaCount == nil || *scaler.Spec.MinReplicaCount != map[string]int32{"production": 0}[c.overlay] && c.overlay == "production" {
			wrong.add("%s does not go down to none", scaler.Name)
		}
	}
	for _, w := range c.workloads {
		switch _, isScaled := scaled[w.name]; {
		case w.kind == "Job":
		case w.replicas == nil && !isScaled:
			wrong.add("%s does not say how many", w.name)
		case w.replicas == nil && scaled[w.name] != want[w.name] && len(c.keda) == 0:
			wrong.add("%s is scaled from %d", w.name, scaled[w.name])
		case w.replicas != nil && *w.replicas != want[w.name]:
			wrong.add("%s has %d", w.name, *w.replicas)
		case w.replicas != nil && isScaled && c.overlay == "production":
			wrong.add("%s would be set back to %d by each apply", w.name, *w.replicas)
		case w.replicas != nil && isScaled && scaled[w.name] != *w.replicas:
			wrong.add("%s has %d and is scaled from %d", w.name, *w.replicas, scaled[w.name])
		}
	}
	return wrong
}

// byQueue is whether KEDA looks at the right queue, in a way that sees conversions that are in work, and gets in.
func (c *cluster) byQueue(scaler *scaledObject) []string {
	var wrong complaints
	if len(scaler.Spec.Triggers) != 1 {
		return []string{"one trigger is expected"}
	}
	trigger := scaler.Spec.Triggers[0]
	for key, want := range map[string]string{"protocol": "http", "queueName": "video", "mode": "QueueLength"} {
		if trigger.Type != "rabbitmq" || trigger.Metadata[key] != want {
			wrong.add("%s: %s is %q, not %q", scaler.Name, key, trigger.Metadata[key], want)
		}
	}
	for _, object := range c.all {
		auth, ok := object.(*triggerAuthentication)
		if !ok || auth.Name != trigger.AuthenticationRef.Name {
			continue
		}
		for _, target := range auth.Spec.SecretTargetRef {
			if !c.hasKey(target.Name, target.Key) {
				wrong.add("%s: %s/%s is not there", auth.Name, target.Name, target.Key)
			}
		}
		return wrong
	}
	wrong.add("%s: no TriggerAuthentication %s", scaler.Name, trigger.AuthenticationRef.Name)
	return wrong
}

// host is the first label of a host's name: the Service in a cluster.
func host(address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.Split(parsed.Hostname(), ".")[0]
}
