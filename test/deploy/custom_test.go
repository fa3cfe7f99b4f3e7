package deploy

import (
	"bufio"
	"bytes"
	"embed"
	"fmt"

	"github.com/santhosh-tekuri/jsonschema/v6"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// scaledObject is what a rule asks of KEDA's kind; its CustomResourceDefinition checks the whole.
type scaledObject struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		ScaleTargetRef struct {
			APIVersion string `json:"apiVersion"`
			Kind       string `json:"kind"`
			Name       string `json:"name"`
		} `json:"scaleTargetRef"`
		MinReplicaCount *int32         `json:"minReplicaCount"`
		MaxReplicaCount *int32         `json:"maxReplicaCount"`
		PollingInterval *int32         `json:"pollingInterval"`
		CooldownPeriod  *int32         `json:"cooldownPeriod"`
		Fallback        map[string]any `json:"fallback"`
		Advanced        map[string]any `json:"advanced"`
		Triggers        []struct {
			Type              string            `json:"type"`
			Metadata          map[string]string `json:"metadata"`
			AuthenticationRef struct {
				Name string `json:"name"`
			} `json:"authenticationRef"`
		} `json:"triggers"`
	} `json:"spec"`
}

// triggerAuthentication is where KEDA finds passwords.
type triggerAuthentication struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		SecretTargetRef []struct {
			Parameter string `json:"parameter"`
			Name      string `json:"name"`
			Key       string `json:"key"`
		} `json:"secretTargetRef"`
	} `json:"spec"`
}

//go:embed testdata/crds testdata/k9s
var published embed.FS

// definitions are the files with what KEDA has published.
var definitions = map[string]string{
	"ScaledObject":          "testdata/crds/keda.sh_scaledobjects.yaml",
	"TriggerAuthentication": "testdata/crds/keda.sh_triggerauthentications.yaml",
}

// checkSchema holds an object to its CustomResourceDefinition, if we have one.
func checkSchema(kind metav1.TypeMeta, document []byte) error {
	file, found := definitions[kind.Kind]
	if !found {
		return nil
	}
	schema, err := definition(file)
	if err != nil {
		return err
	}
	var object any
	if err := yaml.Unmarshal(document, &object); err != nil {
		return err
	}
	if err := schema.Validate(object); err != nil {
		return fmt.Errorf("%s: %w", kind.Kind, err)
	}
	return nil
}

// definition is the schema of the one version that a CustomResourceDefinition has, as an API server holds objects
// to it in strict mode: without fields that it does not name.
func definition(file string) (*jsonschema.Schema, error) {
	text, err := published.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var crd struct {
		Spec struct {
			Versions []struct {
				Schema struct {
					OpenAPIV3Schema map[string]any `json:"openAPIV3Schema"`
				} `json:"schema"`
			} `json:"versions"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(text, &crd); err != nil {
		return nil, err
	}
	schema := crd.Spec.Versions[0].Schema.OpenAPIV3Schema
	closeObjects(schema)
	return compile(file, schema)
}

// closeObjects forbids what is not named, but in an object's metadata, which the API server knows itself.
func closeObjects(schema any) {
	switch s := schema.(type) {
	case map[string]any:
		properties, named := s["properties"].(map[string]any)
		_, more := s["additionalProperties"]
		if named && !more && s["x-kubernetes-preserve-unknown-fields"] == nil {
			s["additionalProperties"] = false
		}
		for _, property := range properties {
			closeObjects(property)
		}
		closeObjects(s["items"])
		closeObjects(s["additionalProperties"])
	case []any:
		for _, one := range s {
			closeObjects(one)
		}
	}
}

func compile(name string, schema any) (*jsonschema.Schema, error) {
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(name, schema); err != nil {
		return nil, err
	}
	return compiler.Compile(name)
}

func newLineReader(text []byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(text)) }
