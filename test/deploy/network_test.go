package deploy

import (
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// flows compares what the policies let through with what each pod must reach. A connection needs leave on both
// sides.
func flows(c *cluster) []string {
	var wrong complaints
	for _, w := range c.workloads {
		for _, direction := range []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress} {
			if len(c.policiesOf(w, direction)) == 0 {
				wrong.add("no policy holds %s of %s", direction, w.name)
			}
		}
	}
	if !slices.ContainsFunc(c.policies, isDefault) {
		wrong.add("no policy holds pods that none is written for")
	}
	for _, policy := range c.policies {
		if len(c.selected(&policy.Spec.PodSelector)) == 0 {
			wrong.add("policy %s is for nobody", policy.Name)
		}
	}
	got := slices.Concat(c.inside(), c.outside())
	want := expectedFlows(c)
	for _, flow := range got {
		if !slices.Contains(want, flow) {
			wrong.add("%s gets through", flow)
		}
	}
	for _, flow := range want {
		if !slices.Contains(got, flow) {
			wrong.add("%s is cut off", flow)
		}
	}
	return wrong
}

// isDefault tells whether a policy forbids everything to everybody.
func isDefault(policy *networkingv1.NetworkPolicy) bool {
	selector := policy.Spec.PodSelector
	return len(selector.MatchLabels) == 0 && len(selector.MatchExpressions) == 0 && len(policy.Spec.PolicyTypes) == 2 &&
		len(policy.Spec.Ingress) == 0 && len(policy.Spec.Egress) == 0
}

func expectedFlows(c *cluster) []string {
	want := []string{
		"gateway -> auth:http",
		"ingress-nginx -> gateway:http",
		"monitoring -> auth:admin", "monitoring -> converter:admin", "monitoring -> gateway:admin", "monitoring -> notifier:admin",
		"converter -> rabbitmq:amqp", "gateway -> rabbitmq:amqp", "notifier -> rabbitmq:amqp",
		"auth -> kube-dns", "converter -> kube-dns", "gateway -> kube-dns", "migrate -> kube-dns", "notifier -> kube-dns", "rabbitmq -> kube-dns",
		"notifier -> Internet:443",
	}
	if len(c.keda) > 0 {
		want = append(want, "keda -> rabbitmq:management")
	}
	if c.overlay == "production" {
		return append(want,
			"monitoring -> rabbitmq:prometheus", "rabbitmq-system -> rabbitmq:management", "rabbitmq -> Internet:443",
			"auth -> private:3306", "converter -> private:3306", "gateway -> private:3306", "migrate -> private:3306", "notifier -> private:3306",
			"converter -> private:27017", "gateway -> private:27017",
			"auth -> private:587", "auth -> Internet:587", "notifier -> private:587", "notifier -> Internet:587", "rabbitmq -> private:443")
	}
	return append(want,
		"auth -> mysql:mysql", "converter -> mysql:mysql", "gateway -> mysql:mysql", "migrate -> mysql:mysql", "notifier -> mysql:mysql",
		"converter -> mongodb:mongodb", "gateway -> mongodb:mongodb",
		"auth -> mailpit:smtp", "notifier -> mailpit:smtp",
		"ingress-nginx -> rabbitmq:management",
		"mysql -> kube-dns", "mongodb -> kube-dns", "mailpit -> kube-dns")
}

// inside is the connections between pods that get through, like "gateway -> auth:http".
func (c *cluster) inside() (got []string) {
	for _, from := range c.workloads {
		for _, to := range c.workloads {
			for _, port := range to.template.Spec.Containers[0].Ports {
				if c.leaves(from, here(to), port) && c.enters(here(from), to, port) {
					got = append(got, fmt.Sprintf("%s -> %s:%s", from.name, to.name, port.Name))
				}
			}
		}
	}
	return got
}

// outside is the connections from and to other namespaces and networks that get through.
func (c *cluster) outside() (got []string) {
	for _, w := range c.workloads {
		for _, other := range []string{"ingress-nginx", "monitoring", "keda", "rabbitmq-system", "default", "kube-system"} {
			for _, port := range w.template.Spec.Containers[0].Ports {
				if c.enters(there(other, nil), w, port) {
					got = append(got, fmt.Sprintf("%s -> %s:%s", other, w.name, port.Name))
				}
			}
		}
		dns := there("kube-system", map[string]string{"k8s-app": "kube-dns"})
		if c.leaves(w, dns, corev1.ContainerPort{ContainerPort: 53}) {
			got = append(got, w.name+" -> kube-dns")
		}
		for _, port := range []int32{22, 80, 443, 587, 3306, 5672, 8080, 27017} {
			if c.leaves(w, peer{address: "93.184.215.14"}, corev1.ContainerPort{ContainerPort: port}) {
				got = append(got, fmt.Sprintf("%s -> Internet:%d", w.name, port))
			}
			if c.leaves(w, peer{address: "10.1.2.3"}, corev1.ContainerPort{ContainerPort: port}) {
				got = append(got, fmt.Sprintf("%s -> private:%d", w.name, port))
			}
		}
		if w.component() == "notifier" {
			got = append(got, c.strange(w)...)
		}
	}
	return got
}

// strange is what else there is between the Internet and private networks that a stranger's webhook could name.
func (c *cluster) strange(w workload) (got []string) {
	for _, address := range []string{
		"0.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.0.0.192", "192.168.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255",
		"::1", "::10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:a00:1::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1",
	} {
		if c.leaves(w, peer{address: address}, corev1.ContainerPort{ContainerPort: 443}) {
			got = append(got, fmt.Sprintf("%s -> %s", w.name, address))
		}
	}
	return got
}

// peer is the other side of a connection: a pod or an address.
type peer struct {
	namespace string
	labels    labels.Set
	address   string
}

func here(w workload) peer { return peer{namespace: namespace, labels: w.template.Labels} }

func there(namespace string, pod labels.Set) peer { return peer{namespace: namespace, labels: pod} }

func (c *cluster) policiesOf(w workload, direction networkingv1.PolicyType) (found []*networkingv1.NetworkPolicy) {
	for _, policy := range c.policies {
		if matches(&policy.Spec.PodSelector, w) && slices.Contains(policy.Spec.PolicyTypes, direction) {
			found = append(found, policy)
		}
	}
	return found
}

func (c *cluster) leaves(from workload, to peer, port corev1.ContainerPort) bool {
	policies := c.policiesOf(from, networkingv1.PolicyTypeEgress)
	for _, policy := range policies {
		for _, rule := range policy.Spec.Egress {
			if anyPeer(rule.To, to) && anyPort(rule.Ports, port) {
				return true
			}
		}
	}
	return len(policies) == 0
}

func (c *cluster) enters(from peer, to workload, port corev1.ContainerPort) bool {
	policies := c.policiesOf(to, networkingv1.PolicyTypeIngress)
	for _, policy := range policies {
		for _, rule := range policy.Spec.Ingress {
			if anyPeer(rule.From, from) && anyPort(rule.Ports, port) {
				return true
			}
		}
	}
	return len(policies) == 0
}

func anyPort(allowed []networkingv1.NetworkPolicyPort, port corev1.ContainerPort) bool {
	for _, one := range allowed {
		switch {
		case one.Port == nil:
			return true
		case one.Port.Type == intstr.String && one.Port.StrVal == port.Name:
			return true
		case one.Port.Type == intstr.Int && one.Port.IntVal == port.ContainerPort:
			return true
		case one.EndPort != nil && one.Port.IntVal <= port.ContainerPort && port.ContainerPort <= *one.EndPort:
			return true
		}
	}
	return len(allowed) == 0
}

func anyPeer(allowed []networkingv1.NetworkPolicyPeer, other peer) bool {
	for _, one := range allowed {
		if isPeer(one, other) {
			return true
		}
	}
	return len(allowed) == 0
}

func isPeer(allowed networkingv1.NetworkPolicyPeer, other peer) bool {
	if allowed.IPBlock != nil {
		return other.address != "" && inBlock(allowed.IPBlock, other.address)
	}
	if other.address != "" {
		return false
	}
	if allowed.NamespaceSelector == nil && other.namespace != namespace {
		return false
	}
	space := labels.Set{"kubernetes.io/metadata.name": other.namespace}
	return takes(allowed.NamespaceSelector, space) && takes(allowed.PodSelector, other.labels)
}

// takes is whether a selector, if there is one, takes these labels.
func takes(selector *metav1.LabelSelector, set labels.Set) bool {
	if selector == nil {
		return true
	}
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && parsed.Matches(set)
}

func inBlock(block *networkingv1.IPBlock, address string) bool {
	within := func(cidr string) bool {
		prefix, err := netip.ParsePrefix(cidr)
		return err == nil && prefix.Contains(netip.MustParseAddr(address))
	}
	return within(block.CIDR) && !slices.ContainsFunc(block.Except, within)
}
