package deploy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	rabbitmqv1beta1 "github.com/rabbitmq/cluster-operator/v2/api/v1beta1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// overlays are what can be applied, by the folder it is in.
var overlays = map[string]string{
	"minikube":      "../../deploy/kubernetes/overlays/minikube",
	"production":    "../../deploy/kubernetes/overlays/production",
	"minikube-keda": "testdata/minikube-keda",
}

// namespace is where everything is.
const namespace = "unreel"

// cluster is what an overlay makes of a cluster.
type cluster struct {
	overlay   string
	all       []metav1.Object
	workloads []workload
	namespace corev1.Namespace
	services  []*corev1.Service
	settings  map[string]*corev1.ConfigMap
	secrets   map[string]map[string]string
	ingresses []*networkingv1.Ingress
	policies  []*networkingv1.NetworkPolicy
	budgets   []*policyv1.PodDisruptionBudget
	scalers   []*autoscalingv2.HorizontalPodAutoscaler
	keda      []*scaledObject
	rabbitmq  *rabbitmqv1beta1.RabbitmqCluster
}

// workload is what makes pods.
type workload struct {
	kind, name string
	replicas   *int32
	selector   *metav1.LabelSelector
	template   *corev1.PodTemplateSpec
}

// component is the name of the service, or empty if the pods are not ours.
func (w workload) component() string {
	if w.template.Labels["app.kubernetes.io/name"] != "unreel" {
		return ""
	}
	return w.template.Labels["app.kubernetes.io/component"]
}

// isService tells whether the pods are those of one of the four services.
func (w workload) isService() bool { return w.kind == "Deployment" && w.component() != "" }

// render builds an overlay as `kubectl kustomize` does.
func render(t testing.TB, overlay string) []byte {
	t.Helper()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), overlays[overlay])
	if err != nil {
		t.Fatal(err)
	}
	text, err := built.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// decode reads manifests; a field that the Kubernetes API does not know is an error.
func decode(overlay string, text []byte) (*cluster, error) {
	c := &cluster{overlay: overlay, settings: map[string]*corev1.ConfigMap{}, secrets: map[string]map[string]string{}}
	documents := utilyaml.NewYAMLReader(newLineReader(text))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return c, nil
		}
		if err != nil {
			return nil, err
		}
		if len(bytes.TrimSpace(document)) == 0 {
			continue
		}
		if err := c.add(document); err != nil {
			return nil, err
		}
	}
}

func (c *cluster) add(document []byte) error {
	var kind metav1.TypeMeta
	if err := yaml.Unmarshal(document, &kind); err != nil {
		return err
	}
	object, err := newObject(kind)
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalStrict(document, object); err != nil {
		return fmt.Errorf("%s %s: %w", kind.Kind, object.GetName(), err)
	}
	c.all = append(c.all, object)
	c.place(object)
	if custom, ok := object.(*scaledObject); ok {
		c.keda = append(c.keda, custom)
	}
	return checkSchema(kind, document)
}

// newObject is an empty object of the kind.
func newObject(kind metav1.TypeMeta) (metav1.Object, error) {
	switch kind.APIVersion + "/" + kind.Kind {
	case "v1/Namespace":
		return &corev1.Namespace{}, nil
	case "v1/Service":
		return &corev1.Service{}, nil
	case "v1/ConfigMap":
		return &corev1.ConfigMap{}, nil
	case "v1/Secret":
		return &corev1.Secret{}, nil
	case "apps/v1/Deployment":
		return &appsv1.Deployment{}, nil
	case "apps/v1/StatefulSet":
		return &appsv1.StatefulSet{}, nil
	case "batch/v1/Job":
		return &batchv1.Job{}, nil
	case "policy/v1/PodDisruptionBudget":
		return &policyv1.PodDisruptionBudget{}, nil
	case "networking.k8s.io/v1/Ingress":
		return &networkingv1.Ingress{}, nil
	case "networking.k8s.io/v1/NetworkPolicy":
		return &networkingv1.NetworkPolicy{}, nil
	case "autoscaling/v2/HorizontalPodAutoscaler":
		return &autoscalingv2.HorizontalPodAutoscaler{}, nil
	case "rabbitmq.com/v1beta1/RabbitmqCluster":
		return &rabbitmqv1beta1.RabbitmqCluster{}, nil
	case "keda.sh/v1alpha1/ScaledObject":
		return &scaledObject{}, nil
	case "keda.sh/v1alpha1/TriggerAuthentication":
		return &triggerAuthentication{}, nil
	}
	return nil, fmt.Errorf("%s %s is of no kind that this test knows", kind.APIVersion, kind.Kind)
}

func (c *cluster) place(object metav1.Object) {
	switch o := object.(type) {
	case *corev1.Namespace:
		c.namespace = *o
	case *corev1.Service:
		c.services = append(c.services, o)
	case *corev1.ConfigMap:
		c.settings[o.Name] = o
	case *corev1.Secret:
		c.secrets[o.Name] = secretData(o)
	case *appsv1.Deployment:
		c.workloads = append(c.workloads, workload{"Deployment", o.Name, o.Spec.Replicas, o.Spec.Selector, &o.Spec.Template})
	case *appsv1.StatefulSet:
		c.workloads = append(c.workloads, workload{"StatefulSet", o.Name, o.Spec.Replicas, o.Spec.Selector, &o.Spec.Template})
	case *batchv1.Job:
		c.workloads = append(c.workloads, workload{"Job", o.Name, nil, o.Spec.Selector, &o.Spec.Template})
	case *policyv1.PodDisruptionBudget:
		c.budgets = append(c.budgets, o)
	case *networkingv1.Ingress:
		c.ingresses = append(c.ingresses, o)
	case *networkingv1.NetworkPolicy:
		c.policies = append(c.policies, o)
	case *autoscalingv2.HorizontalPodAutoscaler:
		c.scalers = append(c.scalers, o)
	case *rabbitmqv1beta1.RabbitmqCluster:
		c.rabbitmq = o
		c.workloads = append(c.workloads, operated(o))
	}
}

func secretData(secret *corev1.Secret) map[string]string {
	data := map[string]string{}
	for key, value := range secret.Data {
		data[key] = string(value)
	}
	for key, value := range secret.StringData {
		data[key] = value
	}
	return data
}

// operated is the pods that RabbitMQ's operator makes, as far as a policy or a rule sees them. What we do not say
// ourselves is the operator's to keep.
func operated(o *rabbitmqv1beta1.RabbitmqCluster) workload {
	template := &corev1.PodTemplateSpec{}
	if o.Spec.Override.StatefulSet != nil && o.Spec.Override.StatefulSet.Spec.Template != nil {
		template.Spec = *o.Spec.Override.StatefulSet.Spec.Template.Spec
	}
	template.Labels = map[string]string{"app.kubernetes.io/name": o.Name, "app.kubernetes.io/component": "rabbitmq", "app.kubernetes.io/part-of": "rabbitmq"}
	for i := range template.Spec.Containers {
		container := &template.Spec.Containers[i]
		container.Image = o.Spec.Image
		container.Ports = []corev1.ContainerPort{
			{Name: "amqp", ContainerPort: 5672}, {Name: "management", ContainerPort: 15672}, {Name: "prometheus", ContainerPort: 15692},
		}
	}
	return workload{"RabbitmqCluster", o.Name, o.Spec.Replicas, &metav1.LabelSelector{MatchLabels: template.Labels}, template}
}

// load is an overlay as it is.
func load(t testing.TB, overlay string) *cluster {
	t.Helper()
	c, err := decode(overlay, render(t, overlay))
	if err != nil {
		t.Fatal(err)
	}
	return c
}
