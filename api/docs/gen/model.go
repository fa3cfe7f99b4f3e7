package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// pageData is the specification in the order in which people read it.
type pageData struct {
	Title, Version, Description string
	Groups                      []group
	Security                    []field
	Schemas                     []schema
}

type group struct {
	Name, Description string
	Operations        []operation
}

type operation struct {
	ID, Method, Path, Summary, Description string
	Access                                 []string // the ways to be let in; none are needed if it is empty
	Parameters                             []field
	Bodies                                 []body
	Responses                              []response
}

type body struct {
	Media   string
	Type    typeName
	Fields  []field // of what is sent
	Example string
}

type response struct {
	Status, Description string
	Headers             []field
	Bodies              []body
}

type schema struct {
	Name, Description string
	Type              typeName
	Fields            []field
	Example           string
}

// field is a parameter, a header or a property.
type field struct {
	Name, In    string
	Required    bool
	Type        typeName
	Limits      string
	Description string
	Example     string
}

// typeName is a type in words, the last of which may be the name of a schema.
type typeName struct {
	Words, Schema string
}

func newPage(doc *openapi3.T) pageData {
	p := pageData{Title: doc.Info.Title, Version: doc.Info.Version, Description: doc.Info.Description}
	for _, tag := range doc.Tags {
		p.Groups = append(p.Groups, group{tag.Name, tag.Description, newOperations(doc, tag.Name)})
	}
	for _, name := range slices.Sorted(maps.Keys(doc.Components.SecuritySchemes)) {
		p.Security = append(p.Security, field{Name: name, Description: doc.Components.SecuritySchemes[name].Value.Description})
	}
	for _, name := range inOrder(doc.Components.Schemas) {
		s := doc.Components.Schemas[name].Value
		p.Schemas = append(p.Schemas, schema{name, s.Description, newType(&openapi3.SchemaRef{Value: s}), newProperties(s), example(s)})
	}
	return p
}

func newOperations(doc *openapi3.T, tag string) []operation {
	var ops []operation
	line := map[string]int{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if slices.Contains(op.Tags, tag) {
				ops = append(ops, newOperation(doc, method, path, item, op))
				line[op.OperationID] = op.Origin.Key.Line
			}
		}
	}
	slices.SortFunc(ops, func(a, b operation) int { return cmp.Compare(line[a.ID], line[b.ID]) })
	return ops
}

func newOperation(doc *openapi3.T, method, path string, item *openapi3.PathItem, op *openapi3.Operation) operation {
	o := operation{ID: op.OperationID, Method: method, Path: path, Summary: op.Summary, Description: op.Description}
	security := doc.Security
	if op.Security != nil {
		security = *op.Security
	}
	for _, requirement := range security {
		o.Access = append(o.Access, slices.Sorted(maps.Keys(requirement))...)
	}
	for _, ref := range append(slices.Clone(item.Parameters), op.Parameters...) {
		f := newField(ref.Value.Name, ref.Value.Schema, ref.Value.Required)
		f.In, f.Description = ref.Value.In, ref.Value.Description
		f.Example = cmp.Or(literal(ref.Value.Example), f.Example)
		o.Parameters = append(o.Parameters, f)
	}
	if op.RequestBody != nil {
		o.Bodies = newBodies(op.RequestBody.Value.Content)
		for i, b := range o.Bodies {
			o.Bodies[i].Fields = newProperties(op.RequestBody.Value.Content[b.Media].Schema.Value)
		}
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses.Map())) {
		o.Responses = append(o.Responses, newResponse(status, op.Responses.Value(status).Value))
	}
	return o
}

func newBodies(content openapi3.Content) []body {
	var bodies []body
	for _, media := range slices.Sorted(maps.Keys(content)) {
		b := body{Media: media, Type: newType(content[media].Schema), Example: literal(content[media].Example)}
		bodies = append(bodies, b)
	}
	return bodies
}

func newResponse(status string, r *openapi3.Response) response {
	out := response{Status: status, Description: *r.Description, Bodies: newBodies(r.Content)}
	if status == "default" {
		out.Status = "other"
	}
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		if name == "X-Request-Id" { // on every answer, as the introduction says
			continue
		}
		header := r.Headers[name].Value
		out.Headers = append(out.Headers, field{Name: name, Description: header.Description, Example: literal(header.Example)})
	}
	return out
}

func newProperties(s *openapi3.Schema) []field {
	var fields []field
	for _, name := range inOrder(s.Properties) {
		fields = append(fields, newField(name, s.Properties[name], slices.Contains(s.Required, name)))
	}
	return fields
}

func newField(name string, ref *openapi3.SchemaRef, required bool) field {
	return field{
		Name: name, Required: required, Type: newType(ref), Limits: limits(ref.Value),
		Description: ref.Value.Description, Example: literal(ref.Value.Example),
	}
}

func newType(ref *openapi3.SchemaRef) typeName {
	s := ref.Value
	switch {
	case ref.Ref != "" && s.Nullable:
		return typeName{"null or ", ref.Ref[strings.LastIndex(ref.Ref, "/")+1:]}
	case ref.Ref != "":
		return typeName{"", ref.Ref[strings.LastIndex(ref.Ref, "/")+1:]}
	case s.Items != nil:
		items := newType(s.Items)
		return typeName{"array of " + items.Words, items.Schema}
	case s.AdditionalProperties.Schema != nil:
		return typeName{"fields of " + newType(s.AdditionalProperties.Schema).Words, ""}
	}
	words := strings.Join(s.Type.Slice(), " or ")
	switch s.Format {
	case "binary":
		words = "bytes"
	case "date-time":
		words = "time"
	}
	if s.Nullable {
		words = "null or " + words
	}
	return typeName{Words: words}
}

func limits(s *openapi3.Schema) string {
	var parts []string
	switch {
	case s.Min != nil && s.Max != nil:
		parts = append(parts, fmt.Sprintf("%v to %v", *s.Min, *s.Max))
	case s.Min != nil:
		parts = append(parts, fmt.Sprintf("from %v", *s.Min))
	}
	if s.MaxLength != nil {
		parts = append(parts, fmt.Sprintf("at most %d characters", *s.MaxLength))
	}
	if len(s.Enum) > 0 {
		var values []string
		for _, value := range s.Enum {
			values = append(values, fmt.Sprint(value))
		}
		parts = append(parts, "one of "+strings.Join(values, ", "))
	}
	if s.Default != nil {
		parts = append(parts, "default "+literal(s.Default))
	}
	return strings.Join(parts, "; ")
}

// inOrder returns the names in the order in which the specification has them.
func inOrder(schemas openapi3.Schemas) []string {
	line := func(name string) int {
		ref := schemas[name]
		if ref.Ref != "" && ref.Origin != nil {
			return ref.Origin.Key.Line
		}
		return ref.Value.Origin.Key.Line
	}
	return slices.SortedFunc(maps.Keys(schemas), func(a, b string) int {
		return cmp.Or(cmp.Compare(line(a), line(b)), cmp.Compare(a, b))
	})
}

// example is the schema's own example, or an object of those of its properties.
func example(s *openapi3.Schema) string {
	if s.Example != nil || !s.Type.Is("object") {
		return literal(s.Example)
	}
	lines := exampleLines(s, "  ")
	if len(lines) == 0 {
		return ""
	}
	return "{\n" + strings.Join(lines, ",\n") + "\n}"
}

func exampleLines(s *openapi3.Schema, indent string) []string {
	var lines []string
	for _, name := range inOrder(s.Properties) {
		property := s.Properties[name].Value
		var value string
		if property.Example != nil {
			raw, err := json.Marshal(property.Example)
			if err != nil {
				continue
			}
			value = string(raw)
		} else if inner := exampleLines(property, indent+"  "); len(inner) > 0 {
			value = "{\n" + strings.Join(inner, ",\n") + "\n" + indent + "}"
		} else {
			continue
		}
		lines = append(lines, fmt.Sprintf("%s%q: %s", indent, name, value))
	}
	return lines
}

func literal(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case string:
		return value
	default:
		raw, err := json.Marshal(value)
		if err != nil {
			return fmt.Sprint(value)
		}
		return string(raw)
	}
}
