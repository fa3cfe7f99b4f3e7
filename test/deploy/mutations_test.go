package deploy

import (
	"slices"
	"strings"
	"testing"
)

// mutation is a mistake that somebody may make, and the rule that must see it.
type mutation struct {
	name     string
	overlay  string
	old, new string // in the rendered manifests, the first time
	after    string // where to look from
	rule     string // empty: it cannot even be decoded
}

var mutations = []mutation{
	{"a field nobody knows", "minikube", "revisionHistoryLimit:", "revisionHistoryLimits:", "", ""},
	{"a field nobody knows in KEDA's", "production", "cooldownPeriod:", "coolDownPeriod:", "", ""},
	{"a value that KEDA refuses", "production", "pollingInterval: 10", "pollingInterval: ten", "", ""},
	{"a field nobody knows in RabbitMQ's", "production", "additionalConfig:", "additionalConf:", "", ""},
	{"another namespace", "minikube", "namespace: unreel", "namespace: default", "kind: Deployment", "everything is in the namespace"},
	{"a namespace for everybody", "production", "enforce: restricted", "enforce: baseline", "", "the namespace takes restricted pods"},
	{"root", "production", "runAsNonRoot: true", "runAsNonRoot: false", "", "every container is restricted"},
	{"a capability", "minikube", "- ALL", "- NET_RAW", "", "every container is restricted"},
	{"no seccomp", "production", "type: RuntimeDefault", "type: Unconfined", "", "every container is restricted"},
	{"a way to more rights", "minikube", "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "", "every container is restricted"},
	{"a root that can be written to", "minikube", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "name: mysql", "every container is restricted"},
	{"a token", "minikube", "automountServiceAccountToken: false", "automountServiceAccountToken: true", "", "every container is restricted"},
	{"RabbitMQ's pods as root", "production", "runAsNonRoot: true", "runAsNonRoot: false", "kind: RabbitmqCluster", "every container is restricted"},
	{"a probe of another path", "production", "path: /livez", "path: /healthz", "", "probes are on"},
	{"a probe of the public port", "production", "port: admin", "port: http", "readinessProbe", "probes are on"},
	{"no liveness", "minikube", "livenessProbe:", "startupProbe:", "", "probes are on"},
	{"the latest image", "minikube", "mysql:8.4.11", "mysql:latest", "", "images are pinned"},
	{"no tag", "production", "unreel:v0.1.0", "unreel", "", "images are pinned"},
	{"a converter without ffmpeg", "production", "unreel-converter:v0.1.0", "unreel:v0.1.0", "", "images are pinned"},
	{"no memory", "production", "memory: 128Mi", "ephemeral-storage: 128Mi", "name: gateway", "resources are said"},
	{"more memory for Go than there is", "production", "value: 800MiB", "value: 2GiB", "", "resources are said"},
	{"memory for all cores", "minikube", "name: GOMAXPROCS", "name: GOMEMLIMIT", "", "resources are said"},
	{"grace that is too short", "production", "terminationGracePeriodSeconds: 45", "terminationGracePeriodSeconds: 30", "", "pods end in peace"},
	{"a wait that is too long", "production", "seconds: 5", "seconds: 20", "preStop", "pods end in peace"},
	{"a Service for nobody", "production", "app.kubernetes.io/component: auth", "app.kubernetes.io/component: author", "kind: Service", "selectors match"},
	{"a Service for all", "production", "app.kubernetes.io/component: auth", "app.kubernetes.io/part-of: unreel", "kind: Service", "selectors match"},
	{"a port that is not there", "minikube", "targetPort: http", "targetPort: web", "", "selectors match"},
	{"a scaler for nobody", "minikube", "name: converter", "name: convertor", "scaleTargetRef", "selectors match"},
	{"a budget for nobody", "production", "app.kubernetes.io/component: notifier", "app.kubernetes.io/component: notify", "kind: PodDisruptionBudget\nmetadata:\n  labels:\n    app.kubernetes.io/part-of: unreel\n  name: notifier", "selectors match"},
	{"a key that is not there", "minikube", "key: UNREEL_MAIL", "key: MAIL", "", "what is referred to is there"},
	{"a key that production lacks", "production", "key: UNREEL_BLOBS", "key: BLOBS", "", "what is referred to is there"},
	{"a key that the operator does not make", "production", "key: connection_string", "key: uri", "", "what is referred to is there"},
	{"no ConfigMap", "production", "name: unreel-", "name: unrel-", "configMapRef", "what is referred to is there"},
	{"a key that KEDA lacks", "minikube-keda", "key: username", "key: user", "kind: TriggerAuthentication", "as many pods as there must be"},
	{"a setting nobody knows", "minikube", "name: UNREEL_CONVERTERS", "name: UNREEL_WORKERS", "", "settings are known"},
	{"a common setting nobody knows", "minikube", "UNREEL_MAIL_FROM:", "UNREEL_SENDER:", "", "settings are known"},
	{"an admin address that probes cannot reach", "production", "UNREEL_ADMIN_ADDR: :9090", "UNREEL_ADMIN_ADDR: 127.0.0.1:9090", "", "settings are known"},
	{"webhooks for the gateway alone", "production", "UNREEL_WEBHOOKS:", "UNREEL_HOOKS:", "", "settings are known"},
	{"another command", "production", "- notifier", "- converter", "- args:", "settings are known"},
	{"auth elsewhere", "production", "http://auth:5000", "http://auth:8080", "", "settings are known"},
	{"a second door", "production", "name: gateway\n            port:", "name: auth\n            port:", "kind: Ingress", "only the gateway is reached by Ingress"},
	{"a Service in the open", "minikube", "spec:\n", "spec:\n  type: NodePort\n", "kind: Service", "only the gateway is reached by Ingress"},
	{"a limit on videos", "production", `proxy-body-size: "0"`, "proxy-body-size: 8m", "", "only the gateway is reached by Ingress"},
	{"videos collected on the way", "minikube", `proxy-request-buffering: "off"`, `proxy-request-buffering: "on"`, "", "only the gateway is reached by Ingress"},
	{"links that lead elsewhere", "production", "UNREEL_PUBLIC_URL: https://mp3.example.com", "UNREEL_PUBLIC_URL: https://example.com", "", "links lead to the Ingress"},
	{"another host than the first version's", "minikube", "host: rabbitmq-manager.com", "host: rabbitmq.com", "", "links lead to the Ingress"},
	{"no default", "production", "podSelector: {}\n  policyTypes:\n  - Ingress\n  - Egress", "podSelector: {}\n  policyTypes:\n  - Egress", "", "pods talk as they must and no more"},
	{"a way to auth for nobody", "production", "app.kubernetes.io/component: gateway", "app.kubernetes.io/component: door", "name: gateway-to-auth", "pods talk as they must and no more"},
	{"a policy for nobody", "production", "app.kubernetes.io/component: gateway", "app.kubernetes.io/component: door", "name: ingress-to-gateway", "pods talk as they must and no more"},
	{"webhooks inside", "production", "- 10.0.0.0/8", "- 11.0.0.0/8", "name: notifier-to-webhooks", "pods talk as they must and no more"},
	{"webhooks by another way", "production", "- 64:ff9b::/96\n", "- 64:ff9c::/96\n", "name: notifier-to-webhooks", "pods talk as they must and no more"},
	{"mails for the converter", "minikube", "- notifier", "- converter", "name: mailpit-from-services", "pods talk as they must and no more"},
	{"one auth", "minikube", "replicas: 2", "replicas: 1", "", "as many pods as there must be"},
	{"converters that stay", "production", "minReplicaCount: 0", "minReplicaCount: 1", "", "as many pods as there must be"},
	{"another queue", "production", "queueName: video", "queueName: videos", "", "as many pods as there must be"},
	{"KEDA blind for what is in work", "production", "protocol: http", "protocol: amqp", "", "as many pods as there must be"},
	{"a password changed in one place", "minikube", "bGFwdG9w", "ZGVza3Rv", "", "passwords agree"},
	{"a /tmp for small videos", "production", "sizeLimit: 6Gi", "sizeLimit: 3Gi", "", "converters have room"},
	{"no /tmp", "production", "mountPath: /tmp", "mountPath: /temp", "", "converters have room"},
}

// TestRulesSeeMistakes makes each mistake, and expects the rule to speak that was silent before.
func TestRulesSeeMistakes(t *testing.T) {
	rendered := map[string]string{}
	for overlay := range overlays {
		rendered[overlay] = string(render(t, overlay))
	}
	broken := map[string]bool{}
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) {
			broken[m.rule] = true
			c, err := decode(m.overlay, []byte(mutate(t, rendered[m.overlay], m)))
			switch {
			case m.rule == "" && err == nil:
				t.Error("it is decoded")
			case m.rule != "" && err != nil:
				t.Error(err)
			case m.rule != "" && len(rules[m.rule](c)) == 0:
				t.Errorf("%q says nothing", m.rule)
			}
		})
	}
	for name := range rules {
		if !broken[name] {
			t.Errorf("no mistake shows that %q can fail", name)
		}
	}
}

// mutate makes the mistake in text.
func mutate(t *testing.T, text string, m mutation) string {
	t.Helper()
	from := strings.Index(text, m.after)
	if from < 0 || !strings.Contains(text[from:], m.old) {
		t.Fatalf("%s has no %q after %q", m.overlay, m.old, m.after)
	}
	return text[:from] + strings.Replace(text[from:], m.old, m.new, 1)
}

// TestSecretOfProduction holds the example that production is told by to what services can use.
func TestSecretOfProduction(t *testing.T) {
	var names []string
	for key := range exampleSecret() {
		names = append(names, key)
	}
	slices.Sort(names)
	if want := []string{"unreel/UNREEL_BLOBS", "unreel/UNREEL_DATABASE", "unreel/UNREEL_MAIL"}; !slices.Equal(names, want) {
		t.Errorf("the example has %v", names)
	}
}
